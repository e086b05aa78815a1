"""The id of the request that something is done for, wherever it is done: in the web, a task or a delivery."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_HARMLESS: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
_current: ContextVar[str] = ContextVar("request_id", default="")


def current() -> str:
    """Empty where nothing was asked for, as in a command."""
    return _current.get()


def fresh() -> str:
    return secrets.token_hex(8)


def kept_or_fresh(sent: object) -> str:
    """A caller's own id is kept when it is harmless."""
    return sent if isinstance(sent, str) and _HARMLESS.fullmatch(sent) else fresh()


@contextmanager
def bound(value: str) -> Iterator[None]:
    """What is done inside is done for `value`; an empty one changes nothing. A thread begins without any."""
    token = _current.set(value or _current.get())
    try:
        yield
    finally:
        _current.reset(token)
