"""Reads a captured request: raw HTTP, or only the body with the headers given separately."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_END_OF_HEADERS: Final = re.compile(rb"\r?\n\r?\n")
_REQUEST_LINE: Final = re.compile(r"[A-Z]+ \S+( HTTP/[\d.]+)?")

_LONGEST: Final = 12  # digits


class Unreadable(ValueError):
    """Says why a file or a header cannot be read."""


@dataclass(frozen=True, slots=True)
class Captured:
    """Header names in lower case; the body byte for byte."""

    headers: Mapping[str, str]
    body: bytes


def read(content: bytes, *, headers: Sequence[str] = ()) -> Captured:
    """`headers` (`name: value`) are added to those of the file and replace them."""
    given = dict(map(_header, headers))
    if content.lstrip()[:1] in {b"{", b"["} or not content.strip():
        return Captured(given, content)
    head, found, body = _split(content)
    if not found:
        raise Unreadable("The file is neither a JSON body nor a request with an empty line between headers and body.")
    lines = [line for line in head.decode("latin-1").splitlines() if line and not _REQUEST_LINE.fullmatch(line)]
    seen = dict(map(_header, lines))
    return Captured(seen | given, _of_length(body, seen))


def _split(content: bytes) -> tuple[bytes, bool, bytes]:
    end = _END_OF_HEADERS.search(content)
    return (content[: end.start()], True, content[end.end() :]) if end else (content, False, b"")


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name.strip():
        raise Unreadable(f"{line[:60]!r} is not a header: it must be `name: value`.")
    return name.strip().lower(), value.strip()


def _of_length(body: bytes, headers: Mapping[str, str]) -> bytes:
    """Drops the line feed that an editor appended, if the body's length is given."""
    if "chunked" in headers.get("transfer-encoding", "").lower():
        raise Unreadable(
            "The body is still in chunks (Transfer-Encoding: chunked); save the body that your server read."
        )
    length = headers.get("content-length", "")
    return body[: int(length)] if length.isdecimal() and len(length) < _LONGEST else body
