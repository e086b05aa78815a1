"""Reads text files that an operator names or uploads, up to a limit of size."""

from pathlib import Path
from typing import Final

from gateway.values.errors import Invalid

LARGEST: Final = 16 * 1024 * 1024  # bytes


def read_text(path: Path) -> str:
    """Decodes UTF-8 and drops a byte order mark. Raises Invalid, with the line, if the file cannot be read."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)  # limited, because the file may be endless
    except OSError as error:
        raise Invalid(f"{path.name} cannot be read: {error.strerror}.") from None
    return text_of(raw, path.name)


def text_of(raw: bytes, name: str) -> str:
    """Like read_text, for uploaded bytes."""
    text = "\0" if len(raw) > LARGEST else _decoded(raw, name)
    if "\0" in text:
        raise Invalid(f"{name} cannot be used: it is larger than 16 MiB or contains NUL characters.")
    return text


def _decoded(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Invalid(f"{name} is not UTF-8: line {line} contains the byte 0x{raw[error.start]:02x}.") from None
