"""The changes that frameworks make to a body before a receiver sees it."""

import json
from collections.abc import Iterator
from typing import Any, Final

from webhooks.signing.diagnosis.search import Cause, Taken, distinct, encoded, wrongly

_COMPACT: Final = (",", ":")
_STYLES: Final[dict[str, dict[str, Any]]] = {
    "with a space after each comma and colon, as Python's json.dumps writes it": {},
    "without spaces, as JavaScript's JSON.stringify writes it": {"separators": _COMPACT, "ensure_ascii": False},
    "without spaces and in ASCII": {"separators": _COMPACT},
    "with spaces and in UTF-8": {"ensure_ascii": False},
    "indented": {"indent": 2, "ensure_ascii": False},
}
RAW: Final = "Verify the raw bytes as they arrived, before a framework parses them."


def bodies(body: bytes) -> list[Taken]:
    """The body as given, and the bodies that may have been sent instead."""
    return distinct(Taken(body), *_framed(body), *_written_anew(body))


def _framed(body: bytes) -> Iterator[Taken]:
    """White space and byte order marks around the body, and line ends within."""
    reason = "The body has white space or a byte order mark around it that was not sent."
    yield from wrongly(Cause.BODY, reason, body.strip(), body.removeprefix(b"\xef\xbb\xbf"))
    yield from wrongly(Cause.BODY, "The body lacks the line feed at its end.", body + b"\n", body + b"\r\n")
    ends = "The line ends within the body were changed."
    yield from wrongly(Cause.BODY, ends, body.replace(b"\r\n", b"\n"), body.replace(b"\n", b"\r\n"))


def _written_anew(body: bytes) -> Iterator[Taken]:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return
    stored = _as_stored(parsed)
    for style, options in _STYLES.items():
        reason = f"The body was parsed and written again: the signed body is the same JSON {style}. {RAW}"
        yield from wrongly(Cause.BODY, reason, json.dumps(parsed, **options).encode("utf-8", "replace"))
        reason = f"The body was parsed and written again, its keys in another order: the signed body is {style}. {RAW}"
        yield from wrongly(Cause.BODY, reason, json.dumps(parsed, sort_keys=True, **options).encode("utf-8", "replace"))
        yield from wrongly(Cause.BODY, reason, json.dumps(stored, **options).encode("utf-8", "replace"))


def _as_stored(parsed: Any) -> Any:
    """The order of PostgreSQL's jsonb keys (shortest first), followed by the fields that each attempt adds."""
    if not isinstance(parsed, dict):
        return parsed
    added = [name for name in ("timestamp", "checksum") if name in parsed]
    return _by_length({name: value for name, value in parsed.items() if name not in added}) | {
        name: parsed[name] for name in added
    }


def _by_length(value: Any) -> Any:
    if isinstance(value, list):
        return [_by_length(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _by_length(value[name]) for name in sorted(value, key=lambda name: (len(encoded(name)), encoded(name)))
    }
