"""A file that an operator names: read as text, and no more of it than anybody's catalogue is long."""

from pathlib import Path
from typing import Final

from gateway.values.errors import Invalid

LARGEST: Final = 16 * 1024 * 1024  # bytes


def read_text(path: Path) -> str:
    """UTF-8, a byte order mark dropped. Invalid says what of it cannot be read, by line."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)  # of a file without end, too
    except OSError as error:
        raise Invalid(f"{path.name} cannot be read: {error.strerror}.") from None
    return text_of(raw, path.name)


def text_of(raw: bytes, name: str) -> str:
    """As read_text, of bytes that somebody has sent."""
    text = "\0" if len(raw) > LARGEST else _decoded(raw, name)
    if "\0" in text:
        raise Invalid(f"{name} is no catalogue: it is larger than 16 MiB or holds NUL characters.")
    return text


def _decoded(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Invalid(f"{name} is not UTF-8: line {line} holds the byte 0x{raw[error.start]:02x}.") from None
