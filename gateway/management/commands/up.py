import os
import urllib.request
from argparse import ArgumentParser
from typing import Any
from urllib.error import URLError

from django.conf import settings
from django.core.management import call_command

from brokers.models import Instrument
from gateway.metric_files import clear
from gateway.operators import first_operator
from gateway.supervisor import Supervisor, courier, web, worker
from gateway.terminal import Command as Door
from gateway.terminal import console, stop
from smallcases.models import Smallcase


class Command(Door):
    help = (
        "Migrate, then run web and worker until Ctrl-C, restarting what dies. DATABASE_URL and CELERY_BROKER_URL "
        "choose PostgreSQL and Redis; without them all state is in var/."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
        parser.add_argument("--port", type=int, default=settings.PORT, help="default: PORT, else 8000")
        parser.add_argument("--workers", type=int, default=2, help="worker processes (default 2)")

    def act(self, *, host: str, port: int, workers: int, **options: Any) -> None:
        out = console()
        prepare()
        clear()
        supervisor = Supervisor([web(host=host, port=port), worker(concurrency=workers), courier()], say=out.print)
        supervisor.start()
        try:
            supervisor.run(until=lambda: answers(port))
            if not supervisor.stopping:
                out.print(f"Serving http://{host}:{port} (API docs at /api/docs/, console at /admin/). Ctrl-C stops.")
                self._tell_operator()
            stayed = supervisor.run()
        finally:
            supervisor.stop()
        if not stayed:
            stop("A process would not stay alive; its own words are above.")

    def _tell_operator(self) -> None:
        if made := first_operator():
            console().print(f"Console login, made now and not shown again: {made.name} / {made.password}")


def prepare() -> None:
    """Tables, instruments and smallcases; running twice changes nothing."""
    call_command("migrate", verbosity=0, interactive=False)
    if not Instrument.objects.exists():
        call_command("load_instruments")
    if not Smallcase.objects.exists():
        call_command("load_smallcases")


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1):  # http, and here  # nosec B310
            return True
    except (URLError, OSError):
        return False
