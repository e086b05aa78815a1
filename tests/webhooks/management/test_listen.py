"""A gateway's events on a developer's machine, from the command line."""

import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from standardwebhooks import Webhook

from gateway.models import Gateway
from gateway.partners import clock
from gateway.partners.authentication import api_secrets
from tests import make
from tests.receiver import Receiver
from tests.servers import ROOT
from tests.webhooks import ledger
from webhooks.delivery.endpoints import add_endpoint
from webhooks.delivery.local_forwarder import WAITS, Forwarder, signers
from webhooks.events.event_tail import SETTLED_SECONDS, Tail
from webhooks.events.event_types import EventType
from webhooks.models import Delivery, Event
from webhooks.signing.sign import new_secret
from webhooks.signing.verify import verify_checksum

URL = "https://partner.example/hooks"


@pytest.fixture
def here(db: None) -> Gateway:
    return make.credentials(name="demo").gateway


def listen(*arguments: str) -> None:
    """For as long as one look takes."""
    call_command("listen", "demo", "--for", "0", *arguments)


class TestForwarding:
    def test_signs_with_the_secret_of_the_only_endpoint(self, here: Gateway, receiver: Receiver) -> None:
        hook = add_endpoint(gateway=here, url=URL, now=clock.wall())
        event = ledger.event(here, clock.wall())

        listen("--forward-to", receiver.url, "--since", "PT1H")

        (hit,) = receiver.hits
        Webhook(hook.secret).verify(hit.body, hit.headers)
        verify_checksum(hit.body, api_secret=api_secrets(here)[0])
        assert (hit.headers["webhook-id"], hit.event, hit.headers["x-gateway-sequence"]) == (event.key, event.type, "1")

    def test_signs_with_the_secret_that_is_given(self, here: Gateway, receiver: Receiver) -> None:
        add_endpoint(gateway=here, url=URL, now=clock.wall())
        ledger.event(here, clock.wall())
        secret = new_secret()

        listen("--forward-to", receiver.url, "--since", "PT1H", "--secret", secret)

        Webhook(secret).verify(receiver.hits[0].body, receiver.hits[0].headers)

    @pytest.mark.parametrize("endpoints", [0, 2])
    def test_shows_a_secret_of_its_own_when_it_cannot_choose(
        self, here: Gateway, receiver: Receiver, capsys: pytest.CaptureFixture[str], endpoints: int
    ) -> None:
        for number in range(endpoints):
            add_endpoint(gateway=here, url=f"{URL}/{number}", now=clock.wall())
        ledger.event(here, clock.wall())

        listen("--forward-to", receiver.url, "--since", "PT1H")

        (shown,) = [word for word in capsys.readouterr().out.split() if word.startswith("whsec_")]
        Webhook(shown).verify(receiver.hits[0].body, receiver.hits[0].headers)

    def test_tells_each_event_with_the_answer(
        self, here: Gateway, receiver: Receiver, capsys: pytest.CaptureFixture[str]
    ) -> None:
        receiver.answer = lambda hit: 418
        event = ledger.event(here, clock.wall())

        listen("--forward-to", receiver.url, "--since", "PT1H")

        told = capsys.readouterr().out
        (line,) = [line for line in told.splitlines() if event.key in line]
        assert line.split()[:3] == ["order.updated", "#1", "b" * 24]
        assert line.split()[4:5] + line.split()[6:] == ["418", "ms"]
        assert told.splitlines()[-1] == "1 events."

    def test_touches_no_delivery(self, here: Gateway, receiver: Receiver) -> None:
        add_endpoint(gateway=here, url=URL, now=clock.wall())
        ledger.event(here, clock.wall())
        before = Delivery.objects.values().get()

        listen("--forward-to", receiver.url, "--since", "PT1H")

        assert Delivery.objects.values().get() == before

    def test_takes_only_what_was_asked_for(self, here: Gateway, receiver: Receiver) -> None:
        now = clock.wall()
        ledger.event(here, now - timedelta(hours=2), kind=EventType.ORDER_PLACED)
        ledger.event(here, now, kind=EventType.ORDER_PLACED, sequence=2)
        ledger.event(here, now, kind=EventType.ORDER_COMPLETED, sequence=3)
        ledger.event(make.gateway(), now, kind=EventType.ORDER_PLACED)

        listen("--forward-to", receiver.url, "--since", "PT1H", "--type", "order.placed")

        assert [hit.headers["x-gateway-sequence"] for hit in receiver.hits] == ["2"]

    def test_takes_nothing_of_the_past_unless_told(self, here: Gateway, receiver: Receiver) -> None:
        ledger.event(here, clock.wall())

        listen("--forward-to", receiver.url)

        assert receiver.hits == []


class TestPrinting:
    def test_shows_the_body_as_it_stands(self, here: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
        event = ledger.event(here, clock.wall())
        Event.objects.update(payload={"notes": "[bold]not a style[/bold]"})

        listen("--print", "--since", event.created_at.isoformat())

        assert '{"notes": "[bold]not a style[/bold]"}' in capsys.readouterr().out


class TestATargetThatIsDown:
    def test_is_waited_for_longer_and_longer_and_said_so(self, here: Gateway, receiver: Receiver) -> None:
        event = ledger.event(here, clock.wall())
        waited: list[float] = []
        said: list[str] = []
        forwarder = Forwarder(
            here, "http://127.0.0.1:9/", signers(here, secret=None).endpoint, wait=waited.append, say=said.append
        )

        def comes_back(seconds: float) -> None:
            waited.append(seconds)
            forwarder.url = receiver.url if len(waited) == len(WAITS) + 2 else forwarder.url

        forwarder.wait = comes_back

        assert forwarder.forward(event).status == 200
        assert waited == [*WAITS, WAITS[-1], WAITS[-1]]
        assert "does not answer" in said[0]
        assert said[-1] == f"{receiver.url} answers again."
        assert len(receiver.hits) == 1


class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["nobody", "--print"], "There is no gateway named nobody."),
            (["demo", "--forward-to", "ftp://here"], "must be an http or https URL"),
            (
                ["demo", "--forward-to", "http://127.0.0.1:9", "--secret", "whsec_?"],
                "must be whsec_ followed by base64",
            ),
            (["demo", "--print", "--since", "yesterday"], "--since must be"),
            (["demo", "--print", "--since", "P99999999999999D"], "--since must be"),
            (["demo"], "--forward-to --print is required"),
            (["demo", "--print", "--type", "order.lost"], "invalid choice"),
        ],
    )
    def test_say_what_is_wrong(self, here: Gateway, arguments: list[str], sentence: str) -> None:
        with pytest.raises(CommandError) as refusal:
            call_command("listen", *arguments)

        assert sentence in str(refusal.value)


class TestTheTail:
    @pytest.fixture
    def tail(self, here: Gateway) -> Tail:
        self.time = 0.0
        tail = Tail(here, seconds=lambda: self.time)
        tail.begin(since=None)
        return tail

    def test_shows_each_event_once(self, here: Gateway, tail: Tail) -> None:
        first = ledger.event(here, clock.wall())
        assert tail.news() == [first]
        second = ledger.event(here, clock.wall(), sequence=2)

        assert (tail.news(), tail.news()) == ([second], [])

    def test_shows_what_was_committed_after_its_successor(self, here: Gateway, tail: Tail) -> None:
        late, early = ledger.events(here, clock.wall(), 2)
        Event.objects.filter(pk=late.pk).update(gateway=make.gateway())  # not visible yet
        assert tail.news() == [early]
        Event.objects.filter(pk=late.pk).update(gateway=here)
        self.time = SETTLED_SECONDS - 1

        assert tail.news() == [late]

    def test_forgets_what_is_settled(self, here: Gateway, tail: Tail) -> None:
        events = ledger.events(here, clock.wall(), 3)
        tail.news()
        self.time = SETTLED_SECONDS

        assert tail.news() == []
        assert (tail._below, tail._seen) == (events[-1].pk, {})

    def test_keeps_nothing_of_a_long_past(self, here: Gateway, tail: Tail, now: datetime) -> None:
        events = ledger.events(here, clock.wall() - timedelta(hours=1), 3)

        assert tail.news() == events
        assert tail._seen == {}


def _hear_ctrl_c() -> None:
    """What a shell starts in its background ignores it, and so would all that is started from there."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_ends_it_cleanly(first_start: Path, tmp_path: Path, receiver: Receiver) -> None:
    """A process of its own, on the embedded default."""
    shutil.copytree(first_start, tmp_path, dirs_exist_ok=True)
    environment = os.environ | {"VAR_DIR": str(tmp_path), "GATEWAY_ENV": "embedded"}
    for name in ("DATABASE_URL", "CELERY_BROKER_URL"):
        environment.pop(name, None)

    manage = [sys.executable, "manage.py"]
    subprocess.run([*manage, "create_gateway", "demo"], cwd=ROOT, env=environment, check=True, capture_output=True)
    command = [*manage, "listen", "demo", "--forward-to", receiver.url]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=-1,
        stderr=-1,
        text=True,
        preexec_fn=_hear_ctrl_c,  # noqa: PLW1509 - it takes no lock
    )
    assert process.stdout
    assert "Forwarding events of demo" in process.stdout.readline()
    time.sleep(0.5)  # it is looking
    process.send_signal(signal.SIGINT)

    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert out.splitlines()[-1] == "0 events."
