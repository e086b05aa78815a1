"""The beginning of a response's body as text for the log. Any bytes are accepted."""

import re
import zlib
from collections.abc import Mapping
from contextlib import suppress
from encodings import normalize_encoding
from encodings.aliases import aliases
from typing import Final

KEPT_BYTES: Final = 4096
# zlib's window bits. "deflate" should be zlib's format (RFC 9110 §8.4.1.2) but is often the bare stream.
WINDOWS: Final[Mapping[str, tuple[int, ...]]] = {"gzip": (31,), "x-gzip": (31,), "deflate": (15, -15)}
CHARSET: Final = re.compile(r"""charset\s*=\s*["']?([\w.:+-]+)""", re.IGNORECASE)
UTF_8: Final = "utf_8"
# Python caches every codec name that it looks up, even unknown names, so only these names are looked up. Python's own
# codecs, such as unicode_escape, are not among them.
CHARSETS: Final = frozenset({*aliases, *aliases.values()})


def excerpt(body: bytes, *, content_encoding: str = "", content_type: str = "") -> str:
    """At most KEPT_BYTES characters, even if a compressed body expands. Bytes that cannot be decompressed are kept."""
    return storable(_text(_decompressed(body[:KEPT_BYTES], content_encoding), content_type))


def storable(text: str) -> str:
    """Removes NUL and lone surrogates, which PostgreSQL's text cannot store."""
    text = text.replace("\x00", "")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _decompressed(body: bytes, encoding: str) -> bytes:
    for window in WINDOWS.get(encoding.strip().lower(), ()):
        with suppress(zlib.error):
            return zlib.decompressobj(window).decompress(body, KEPT_BYTES)
    return body


def _text(body: bytes, content_type: str) -> str:
    with suppress(LookupError, ValueError):  # zip is a codec, but does not encode text
        return body.decode(_charset(content_type), "replace")
    return body.decode(UTF_8, "replace")


def _charset(content_type: str) -> str:
    """The normalised name of the charset; UTF-8 if none is named or it is unknown."""
    named = CHARSET.search(content_type)
    charset = normalize_encoding(named[1].lower()) if named else UTF_8
    return charset if charset in CHARSETS else UTF_8
