import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from time import monotonic
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connections

from gateway.http.middleware import stated_length

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway.settings")
logging.captureWarnings(True)  # as Celery's processes do


def limit_statements(databases: Iterable[dict[str, Any]]) -> None:
    """For the web only: workers run longer statements, and migrations wait for locks. Applies to new connections.

    Not for pooled transactions, where the connection's next user would inherit the limits (docs/scaling.md).
    """
    for database in databases:
        if database["ENGINE"].endswith(".postgresql") and settings.DATABASE_POOLING == "session":
            limits = {
                "statement_timeout": settings.STATEMENT_TIMEOUT_SECONDS,
                "lock_timeout": settings.LOCK_TIMEOUT_SECONDS,
            }
            options = " ".join(f"-c {name}={seconds}s" for name, seconds in limits.items())
            database["OPTIONS"]["options"] = f"{database['OPTIONS'].get('options', '')} {options}".strip()


class CountedInput:
    """A request's body that counts how much of it Django has read."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.taken = 0

    def read(self, size: int = -1) -> bytes:
        return self._counted(self._stream.read(size))

    def readline(self, size: int = -1) -> bytes:
        return self._counted(self._stream.readline(size))

    def drain(self, length: int) -> None:
        """Reads to the body's end at `length`, for a limited time."""
        end, late = min(length, self.taken + settings.DRAINED_BYTES), monotonic() + settings.BODY_SECONDS
        some: Callable[[int], bytes] = getattr(self._stream, "read1", self._stream.read)
        with suppress(OSError):  # the client has disconnected
            while self.taken < end and monotonic() < late and self._counted(some(min(end - self.taken, 65_536))):
                pass

    def _counted(self, content: bytes) -> bytes:
        self.taken += len(content)
        return content


class WsgiAnswer:
    """Django's response. Closing it, after the last byte, drains the rest of the request's body."""

    def __init__(self, chunks: Any, body: CountedInput, length: int) -> None:
        self._chunks, self._body, self._length = chunks, body, length

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._chunks)

    def close(self) -> None:
        self._chunks.close()
        self._body.drain(self._length)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> WsgiAnswer:
    """For servers other than granian (gateway.rsgi), behind a proxy that buffers: docs/adr/0009."""
    length = environ.get("CONTENT_LENGTH") or ""
    body = environ["wsgi.input"] = CountedInput(environ["wsgi.input"])
    return WsgiAnswer(django(environ, start_response), body, stated_length(length) or 0)


django = get_wsgi_application()
limit_statements(connections.settings.values())
