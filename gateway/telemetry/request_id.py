"""The id of the request that the current work is done for, in the web, in tasks and in deliveries."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_HARMLESS: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
_current: ContextVar[str] = ContextVar("request_id", default="")


def current() -> str:
    """Empty if there was no request, as in a command."""
    return _current.get()


def fresh() -> str:
    return secrets.token_hex(8)


def kept_or_fresh(sent: object) -> str:
    """Keeps the caller's id if it is harmless, else makes a new one."""
    return sent if isinstance(sent, str) and _HARMLESS.fullmatch(sent) else fresh()


@contextmanager
def bound(value: str) -> Iterator[None]:
    """Sets the id for the work inside; an empty value changes nothing. A new thread has no id."""
    token = _current.set(value or _current.get())
    try:
        yield
    finally:
        _current.reset(token)
