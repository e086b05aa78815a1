import json
import time
from argparse import ArgumentParser
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone
from django.utils.dateparse import parse_duration

from gateway.cli.management_base import Command as GatewayCommand
from gateway.cli.management_base import console, gateway_named
from gateway.models import Gateway
from gateway.partners import clock
from gateway.values.errors import Invalid
from webhooks.delivery.client import EndpointResponse
from webhooks.delivery.endpoints import check_url
from webhooks.delivery.local_forwarder import Forwarder, signers
from webhooks.events.event_tail import Tail
from webhooks.events.event_types import EventType
from webhooks.models import Event
from webhooks.signing.sign import check_secret

LOOK_EVERY: Final = 0.3
DATABASE_WAIT: Final = 3.0


class Command(GatewayCommand):
    help = (
        "Show a gateway's webhook events as they are recorded and forward them to a local URL, signed like real "
        "deliveries. Reads the configured database; deliveries to the gateway's own endpoints continue. "
        "Ctrl-C stops."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the gateway's name")
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("--forward-to", metavar="URL", help="for example http://127.0.0.1:3000/webhooks")
        where.add_argument("--print", action="store_true", help="print the bodies without forwarding them")
        parser.add_argument("--type", action="append", default=[], choices=list(EventType), metavar="TYPE",
                            help=f"only this type, may be repeated: {', '.join(EventType)}")  # fmt: skip
        parser.add_argument(
            "--since", metavar="WHEN", help="start with past events: an ISO 8601 time, or a duration such as PT15M"
        )
        parser.add_argument(
            "--secret",
            metavar="WHSEC",
            help="sign with this secret (default: the secret of the gateway's only endpoint; if there is none, or "
            "there are several, a new secret is made and shown)",
        )
        parser.add_argument("--for", type=float, dest="seconds", metavar="SECONDS", help="stop after this time")

    def act(self, *, name: str, forward_to: str | None, seconds: float | None, **options: Any) -> None:
        gateway = gateway_named(name)
        tail = Tail(gateway, types=options["type"])
        tail.begin(since=_since(gateway, options["since"]))
        self.heard = 0
        with suppress(KeyboardInterrupt):
            self._run(tail, _forwarder(gateway, forward_to, options["secret"]), seconds)
        console().print(f"{self.heard} events.")

    def _run(self, tail: Tail, forwarder: Forwarder | None, seconds: float | None) -> None:
        began = time.monotonic()
        while True:
            news = _news(tail)
            for event in news:
                self.heard += 1
                _show(event, forwarder.forward(event) if forwarder else None)
            if seconds is not None and time.monotonic() - began >= seconds:
                return
            if not news:
                time.sleep(LOOK_EVERY)  # the database does not notify readers of new rows


def _news(tail: Tail) -> list[Event]:
    try:
        return tail.news()
    except (OperationalError, InterfaceError):
        _say(f"The database does not answer; trying again in {DATABASE_WAIT:.0f} s.")
        connection.close()
        time.sleep(DATABASE_WAIT)  # the database is restarting, or the network is down
        return []


def _forwarder(gateway: Gateway, url: str | None, secret: str | None) -> Forwarder | None:
    if url is None:
        console().print(f"Events of {gateway}. Ctrl-C stops.")
        return None
    signing = signers(gateway, secret=secret and check_secret(secret))
    console().print(f"Forwarding events of {gateway} to {check_url(url)}. Ctrl-C stops.")
    if signing.shown:
        console().print(f"Signed with a secret made for this run: {signing.shown}")
    return Forwarder(gateway, url, signing.endpoint, wait=time.sleep, say=_say)


def _show(event: Event, answer: EndpointResponse | None) -> None:
    line = [f"{event.type:20} #{event.sequence:<3} {event.subject:28} {event.key}"]
    if answer is None:
        console().print(*line, json.dumps(event.payload), sep="\n", markup=False)
    else:
        colour = "green" if answer.accepted else "red"
        console().print(*line, f"[{colour}]{answer.status}[/] {answer.duration_ms} ms")


def _say(sentence: str) -> None:
    console(to_stderr=True).print(sentence, markup=False)


def _since(gateway: Gateway, given: str | None) -> datetime | None:
    if given is None:
        return None
    try:
        return _moment(gateway, given)
    except (ValueError, OverflowError):
        raise Invalid("--since must be an ISO 8601 time, or a duration such as PT15M.") from None


def _moment(gateway: Gateway, given: str) -> datetime:
    duration = parse_duration(given) if given.startswith("P") else None
    if duration is not None:
        return clock.now(gateway) - duration
    moment = datetime.fromisoformat(given)
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
