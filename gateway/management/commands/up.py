import os
import socket
import urllib.request
from argparse import ArgumentParser
from importlib.util import find_spec
from typing import Any
from urllib.error import URLError

from django.conf import settings
from django.core.management import call_command

from brokers.models import Instrument
from gateway.cli.management_base import Command as GatewayCommand
from gateway.cli.management_base import console, stop
from gateway.demo.demo_gateway import prepare_site
from gateway.embedded.first_operator import first_operator
from gateway.embedded.supervisor import Child, Supervisor, demo_site, web, webhook_worker, worker
from gateway.partners import clock
from gateway.telemetry.metric_files import clear
from gateway.values.errors import Conflict
from smallcases.models import Smallcase


class Command(GatewayCommand):
    help = (
        "Migrate, then run web and worker until Ctrl-C, restarting processes that die. DATABASE_URL and "
        "CELERY_BROKER_URL select PostgreSQL and Redis; without them all state is in var/."
    )
    requires_system_checks = "__all__"  # a gateway with a fault in its set-up does not start

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
        parser.add_argument("--port", type=int, default=settings.PORT, help="default: PORT, else 8000")
        parser.add_argument("--workers", type=int, default=2, help="worker processes (default 2)")

        parser.add_argument("--no-demo", dest="demo", action="store_false", help="without the demo site at /demo/")

    def act(self, *, host: str, port: int, workers: int, demo: bool, **options: Any) -> None:
        out = console()
        prepare()
        clear()
        sites = demo_sites(host=host, gateway_port=port) if demo else []
        origins = {"DEMO_ORIGINS": sites[0].environment["SHOP_ORIGINS"] if sites else ""}
        children = [
            web(host=host, port=port, environment=origins),
            worker(concurrency=workers),
            webhook_worker(),
            *sites,
        ]
        supervisor = Supervisor(children, say=out.print)
        supervisor.start()
        try:
            supervisor.run(until=lambda: answers(port))
            if not supervisor.stopping:
                out.print(f"Serving http://{host}:{port} (API docs at /api/docs/, console at /admin/). Ctrl-C stops.")
                if sites:
                    out.print(f"Try it as a user: http://{host}:{port}/demo/")
                if made := first_operator(by=self.actor):
                    out.print(f"Console login, created now and not shown again: {made.name} / {made.password}")
            stayed = supervisor.run()
        finally:
            supervisor.stop()
        if not stayed:
            stop("A process keeps dying; its output is above.")


def prepare() -> None:
    """Creates tables, instruments and smallcases. Running it twice changes nothing."""
    call_command("migrate", verbosity=0, interactive=False)
    if not Instrument.objects.exists():
        call_command("load_instruments")
    if not Smallcase.objects.exists():
        call_command("load_smallcases")


def demo_sites(*, host: str, gateway_port: int) -> list[Child]:
    """The demo site, unless it is switched off or another process has its port."""
    port = settings.DEMO_PORT or (gateway_port + 1 if settings.EMBEDDED else 0)
    if not port:
        return []
    if find_spec("starlette") is None:
        console().print("There is no demo site: install requirements-demo.txt to have one.")
        return []
    if port == gateway_port or not is_free(host, port):
        console().print(f"Port {port} is taken, so the demo site does not start; set DEMO_PORT to another port.")
        return []
    try:
        environment = prepare_site(
            port=port,
            gateway_port=gateway_port,
            database=settings.VAR_DIR / "demo-site.sqlite3",
            with_manager=settings.EMBEDDED,
            now=clock.wall(),
        )
    except Conflict as refusal:
        console().print(f"The demo site does not start: {refusal}")
        return []
    return [demo_site(host=host, port=port, environment=environment)]


def is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError):
            return False
    return True


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1):  # http, and here  # nosec B310
            return True
    except (URLError, OSError):
        return False
