"""The base of the commands: colours only on a terminal; on bad input one clear sentence and a non-zero exit code."""

import getpass
import socket
from collections.abc import Callable
from typing import Any, Literal, NoReturn

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from gateway.audit.trail import Actor
from gateway.models import Gateway
from gateway.partners import clock
from gateway.values.errors import GatewayError


class Command(BaseCommand):
    """`act` parses, makes one call inward, and prints. A GatewayError becomes a sentence, not a traceback.

    `manage.py check` and `up` run Django's checks. They import every view, which takes longer than most commands.
    """

    requires_migrations_checks = False
    requires_system_checks: tuple[str, ...] | Literal["__all__"] = ()

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.act(**options)
        except GatewayError as refusal:
            stop(" ".join(refusal.sentences))

    act: Callable[..., None]

    @property
    def actor(self) -> Actor:
        """This command, run by a user of this machine."""
        name = type(self).__module__.rpartition(".")[2]
        return Actor(None, f"{_os_user()}@{socket.gethostname()}", clock.wall(), f"manage.py {name}")


def _os_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # the user of a container may have no name
        return "?"


def console(*, to_stderr: bool = False) -> Console:
    """Plain text, unless the stream is a terminal."""
    return Console(stderr=to_stderr, highlight=False, soft_wrap=True)


def gateway_named(name: str) -> Gateway:
    """Matches in any case; stops the command if there is no such gateway."""
    found = Gateway.objects.filter(name=name.lower()).first()
    if found is None:
        stop(f"There is no gateway named {name}.")
    return found


def stop(sentence: str) -> NoReturn:
    """Ends the command with this sentence on stderr and exit code 1."""
    raise CommandError(sentence)
