import secrets
import socket
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db.transaction import atomic
from django.urls import reverse
from rich.console import Console

from gateway.audit.trail import Actor
from gateway.cli.management_base import Command as GatewayCommand
from gateway.cli.management_base import console, stop
from gateway.demo.basket_story import CHAPTERS, Story
from gateway.demo.investment_story import Investor
from gateway.demo.lost_orders import Lost
from gateway.demo.partner_client import PartnerClient, Unexpected
from gateway.demo.webhook_receiver import Receiver
from gateway.embedded.supervisor import Supervisor, web, webhook_worker, worker
from gateway.management.commands.up import answers, prepare
from gateway.partners import clock
from gateway.partners.credentials import create_gateway
from webhooks.delivery.endpoints import add_endpoint
from webhooks.events.event_types import EventType

STARTS_WITHIN = 30.0


class Command(GatewayCommand):
    help = (
        "Play the whole story: create, log in, confirm, fill, webhook. Each step is checked against the contract. "
        "Uses the gateway that `manage.py up` serves on PORT, or starts a gateway for the duration of the story."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=settings.PORT, help="port of a gateway that may be running")

    def act(self, *, port: int, **options: Any) -> None:
        began, out = time.monotonic(), console()
        out.print("[bold]A gateway for baskets of securities, from transactionId to verified webhook[/bold]")
        prepare()
        receiver = Receiver()
        receiver.start()
        try:
            with _gateway_on(port) as url:
                partner = _partner(url, receiver, self.actor)
                out.print(f"Gateway [cyan]{partner.name}[/cyan] at {url}, webhooks to {receiver.url}")
                Story(partner, receiver, out).play()
                Investor(partner, receiver, out).play()
                Lost(partner, receiver, out).play()
        except Unexpected as surprise:
            stop(f"The story failed. {surprise}")
        finally:
            receiver.stop()
        out.print(f"\n[bold green]All {len(CHAPTERS) + 2} chapters match the contract[/bold green] "
                  f"({time.monotonic() - began:.1f} s).")  # fmt: skip
        _tell_next(out, port)


def _tell_next(out: Console, port: int) -> None:
    base = f"http://127.0.0.1:{port}"
    out.print(
        "\nNext: [bold]make run[/bold] serves this gateway until Ctrl-C (its first start prints the console's login):"
    )
    out.print(f"   orders to correct                {base}{reverse('admin:desk_queue')}")
    out.print(f"   the console                      {base}/admin/")
    out.print(f"   the API documentation            {base}/api/docs/")
    out.print(
        "docs/reconciliation.md shows how to correct them. `manage.py create_gateway NAME` creates your own gateway."
    )


@contextmanager
def _gateway_on(port: int) -> Iterator[str]:
    """The running gateway, or a new gateway on a free port that logs to var/demo.log."""
    if answers(port):
        yield f"http://127.0.0.1:{port}"
        return
    free = _free_port()
    log = settings.VAR_DIR / "demo.log"
    supervisor = Supervisor(
        [web(host="127.0.0.1", port=free), worker(), webhook_worker()], say=console().print, log=log
    )
    supervisor.start()
    try:
        _wait_until_up(free, str(log))
        yield f"http://127.0.0.1:{free}"
    finally:
        supervisor.stop()


def _wait_until_up(port: int, log: str) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while not answers(port):
        if time.monotonic() > deadline:
            stop(f"The gateway did not start within {STARTS_WITHIN:.0f} s; see {log}.")
        time.sleep(0.05)  # the process is starting


def _partner(url: str, receiver: Receiver, by: Actor) -> PartnerClient:
    name = f"demo-{secrets.token_hex(3)}"
    with atomic(durable=True):
        made = create_gateway(name=name, is_test=True, allowed_origins=[], now=clock.wall(), by=by)
        hook = add_endpoint(gateway=made.gateway, url=receiver.url, types=tuple(EventType), now=clock.wall(), by=by)
    receiver.api_secret, receiver.webhook_secret = made.api_secret, hook.secret
    return PartnerClient(url, name, made.api_secret, made.jwt_secret)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
