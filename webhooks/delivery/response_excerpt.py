"""The beginning of a response's body as text for the log, whatever a receiver sends."""

import codecs
import re
import zlib
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

KEPT_BYTES: Final = 4096
# zlib's window bits. "deflate" should be zlib's format (RFC 9110 §8.4.1.2), and often is the bare stream.
WINDOWS: Final[Mapping[str, tuple[int, ...]]] = {"gzip": (31,), "x-gzip": (31,), "deflate": (15, -15)}
CHARSET: Final = re.compile(r"""charset\s*=\s*["']?([\w.:+-]+)""", re.IGNORECASE)
# Python's own codecs, which no receiver means.
NO_CHARSETS: Final = frozenset({"unicode-escape", "raw-unicode-escape", "idna", "punycode", "undefined"})


def excerpt(body: bytes, *, content_encoding: str = "", content_type: str = "") -> str:
    """At most KEPT_BYTES characters, however much a compressed body expands. What cannot be decoded stays as it is."""
    return storable(_text(_decompressed(body[:KEPT_BYTES], content_encoding), content_type))


def storable(text: str) -> str:
    """Without what PostgreSQL's text cannot hold: NUL and lone surrogates."""
    text = text.replace("\x00", "")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _decompressed(body: bytes, encoding: str) -> bytes:
    for window in WINDOWS.get(encoding.strip().lower(), ()):
        with suppress(zlib.error):
            return zlib.decompressobj(window).decompress(body, KEPT_BYTES)
    return body


def _text(body: bytes, content_type: str) -> str:
    charset = CHARSET.search(content_type)
    with suppress(LookupError, ValueError):
        if charset and codecs.lookup(charset[1]).name not in NO_CHARSETS:
            return body.decode(charset[1], "replace")
    return body.decode("utf-8", "replace")
