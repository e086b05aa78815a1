"""Real children, which end or refuse to end as they are told. Waits are for what happens, not for how long."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.embedded.supervisor import GRACE_SECONDS, PATIENCE_WITH_QUICK_DEATHS, Child, Supervisor, web, worker

STAYS = "import time; open({ready!r}, 'a').write('x'); time.sleep(600)"
IGNORES = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {STAYS}"
Supervise = Callable[..., Supervisor]


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    """Grows by a letter whenever a child is up."""
    path = tmp_path / "ready"
    path.touch()
    return path


@pytest.fixture
def supervise(ready: Path) -> Iterator[Supervise]:
    """A supervisor of one child per script; all are gone in the end, and so are the signal handlers."""
    made: list[Supervisor] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def start(*scripts: str, say: Callable[[str], None] = lambda sentence: None) -> Supervisor:
        commands = [[sys.executable, "-c", script.format(ready=str(ready))] for script in scripts]
        supervisor = Supervisor([Child(f"child {n}", command) for n, command in enumerate(commands)], say=say)
        made.append(supervisor)
        supervisor.start()
        return supervisor

    yield start
    for supervisor in made:
        supervisor.stop()
    for number, handler in handlers.items():
        signal.signal(number, handler)


def has(ready: Path, letters: int) -> Callable[[], bool]:
    return lambda: len(ready.read_text()) >= letters


def process(supervisor: Supervisor) -> int:
    child = supervisor.children[0].process
    assert child is not None
    return child.pid


class TestRun:
    def test_starts_a_killed_child_again_and_says_so(self, supervise: Supervise, ready: Path) -> None:
        said: list[str] = []
        supervisor = supervise(STAYS, say=said.append)
        assert supervisor.run(until=has(ready, 1))
        first = process(supervisor)

        os.kill(first, signal.SIGKILL)

        assert supervisor.run(until=has(ready, 2))
        assert said == ["child 0 died (signal 9); starting it again."]
        assert process(supervisor) != first

    def test_gives_up_on_a_child_that_dies_at_once(self, supervise: Supervise) -> None:
        said: list[str] = []
        supervisor = supervise("raise SystemExit(3)", say=said.append)

        assert not supervisor.run()

        again = ["child 0 died (exit code 3); starting it again."] * (PATIENCE_WITH_QUICK_DEATHS - 1)
        assert said == [*again, "child 0 keeps dying; giving up."]

    def test_goes_on_without_a_child_that_is_not_needed(self, supervise: Supervise, ready: Path) -> None:
        said: list[str] = []
        supervisor = supervise(STAYS, "raise SystemExit(3)", say=said.append)
        supervisor.children[1].is_needed = False

        assert supervisor.run(until=lambda: "child 1 keeps dying; continuing without it." in said)
        assert supervisor.children[0].process is not None
        assert supervisor.children[0].process.poll() is None
        assert supervisor.children[1].process is None

    def test_gives_a_child_its_own_environment(self, supervise: Supervise, tmp_path: Path) -> None:
        heard = tmp_path / "heard"
        script = f"import os, time; open({str(heard)!r}, 'w').write(os.environ['HUSH']); time.sleep(600)"
        supervisor = Supervisor([Child("one", [sys.executable, "-c", script], {"HUSH": "a secret"})], say=print)
        supervisor.start()

        assert supervisor.run(until=lambda: heard.exists() and heard.read_text() == "a secret")
        supervisor.stop()

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_ends_when_it_is_asked_to(self, supervise: Supervise, ready: Path, number: signal.Signals) -> None:
        supervisor = supervise(STAYS)
        supervisor.run(until=has(ready, 1))

        def ask() -> bool:
            os.kill(os.getpid(), number)
            return False

        assert supervisor.run(until=ask)
        assert supervisor.stopping


class TestStop:
    @pytest.mark.parametrize(
        ("scripts", "signals"),
        [([STAYS], [-15]), ([STAYS, STAYS], [-15, -15]), ([IGNORES], [-9]), ([IGNORES, STAYS], [-9, -15])],
    )
    def test_ends_every_child_within_five_seconds(
        self, supervise: Supervise, ready: Path, scripts: list[str], signals: list[int]
    ) -> None:
        supervisor = supervise(*scripts)
        supervisor.run(until=has(ready, len(scripts)))
        began = time.monotonic()

        supervisor.stop()

        assert time.monotonic() - began < 5
        assert [child.process and child.process.returncode for child in supervisor.children] == signals

    def test_twice_does_nothing_more(self, supervise: Supervise, ready: Path) -> None:
        supervisor = supervise(STAYS)
        supervisor.run(until=has(ready, 1))
        supervisor.stop()

        supervisor.stop()

        assert GRACE_SECONDS < 5


class TestTheChildren:
    def test_are_those_that_production_runs_apart(self) -> None:
        assert [(child.name, child.command[2]) for child in (web(host="::", port=80), worker())] == [
            ("web", "gateway.web"),
            ("worker", "celery"),
        ]
