"""Log formats: one JSON object per record, or a readable line. User input cannot forge a record."""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest

from gateway.telemetry import request_id
from gateway.telemetry.route_names import route_of
from gateway.values.timestamps import timestamp

# The fields that a record may have besides its message; other attributes, which libraries add, are not written.
EXTRA_FIELDS: Final = ("method", "route", "status", "durationMs", "bytes", "outcome", "gateway", "task", "taskId")
_facts: ContextVar[Mapping[str, str]] = ContextVar("facts", default=MappingProxyType({}))


@contextmanager
def about(**facts: str) -> Iterator[None]:
    """Adds these facts, and those that `note` adds, to every record written inside."""
    token = _facts.set({**_facts.get(), **facts})
    try:
        yield
    finally:
        _facts.reset(token)


def note(**facts: str) -> None:
    """Adds facts for the rest of the current `about`."""
    _facts.set({**_facts.get(), **facts})


class WithoutPaths(logging.Filter):
    """Replaces the path of a request by its route in Django's own records."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if isinstance(record.args, tuple) and isinstance(request, HttpRequest):
            route, path = route_of(request), request.path
            record.args = tuple(route if argument == path else argument for argument in record.args)
        return True


class Json(logging.Formatter):
    """`json.dumps` writes ASCII only, so a line feed or a lone surrogate is always escaped."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {**_always(record), "requestId": request_id.current(), **_facts.get()}
        fields |= {name: vars(record)[name] for name in EXTRA_FIELDS if name in vars(record)}
        fields |= {"exception": _traceback(self, record)}
        return json.dumps({name: value for name, value in fields.items() if value not in (None, "")}, default=str)


class Plain(logging.Formatter):
    """time LEVEL logger [request id] message. A traceback is indented, so that no line of it looks like a record."""

    def format(self, record: logging.LogRecord) -> str:
        time, level, logger, message = _always(record).values()
        first = f"{time} {level} {logger} [{request_id.current() or '-'}] {printable(message)}"
        trace = (_traceback(self, record) or "").splitlines()
        return "\n".join([first, *(f"    {printable(line)}" for line in trace)])


def configuration(formatter: str, *, level: str) -> dict[str, Any]:
    """For logging.config: everything goes to stderr, formatted as "json" or "line"."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"without_paths": {"()": WithoutPaths}},
        "formatters": {"json": {"()": Json}, "line": {"()": Plain}},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": formatter, "filters": ["without_paths"]},
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django.request": {"level": "ERROR"},
            # Warnings that any receiver can cause, with the URL of its endpoint.
            "urllib3": {"level": "ERROR"},
            # Each would log every task once more, empty sweeps included.
            "celery.beat": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            # Names that somebody typed; the audit trail has them.
            "axes": {"level": "ERROR"},
        },
    }


def chosen() -> logging.Formatter:
    """The format that LOG_FORMAT names, for a process without Django: granian (deploy/granian-logging.json)."""
    return Json() if settings.LOG_FORMAT == "json" else Plain()


def printable(text: str) -> str:
    """Escapes characters that move the cursor, end a line, reverse text, or are no characters."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _always(record: logging.LogRecord) -> dict[str, Any]:
    return {
        "time": timestamp(datetime.fromtimestamp(record.created, UTC)),
        "level": record.levelname,
        "logger": record.name,
        "message": record.getMessage(),
    }


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str | None:
    """Without the values of variables, which may be secrets."""
    return formatter.formatException(record.exc_info) if record.exc_info and record.exc_info[0] else None
