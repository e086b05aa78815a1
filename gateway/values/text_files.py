"""Reads text files that an operator names or uploads, up to a limit of size."""

import zlib
from io import BytesIO
from pathlib import Path
from typing import Final
from zipfile import BadZipFile, ZipFile

from gateway.values.errors import Invalid

LARGEST: Final = 16 * 1024 * 1024  # bytes
ZIPPED: Final = b"PK\x03\x04"


def read_text(path: Path) -> str:
    """Decodes UTF-8 and drops a byte order mark. Raises Invalid, with the line, if the file cannot be read."""
    return text_of(_read(path), path.name)


def read_text_or_zip(path: Path) -> str:
    """Like read_text; of a ZIP the text of its only file, which has the same limit."""
    raw = _read(path)
    return text_of(_unzipped(raw, path.name) if raw.startswith(ZIPPED) else raw, path.name)


def text_of(raw: bytes, name: str) -> str:
    """Like read_text, for uploaded bytes."""
    text = "\0" if len(raw) > LARGEST else _decoded(raw, name)
    if "\0" in text:
        raise Invalid(f"{name} cannot be used: it is larger than 16 MiB or contains NUL characters.")
    return text


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)  # limited, because the file may be endless
    except OSError as error:
        raise Invalid(f"{path.name} cannot be read: {error.strerror}.") from None


def _unzipped(raw: bytes, name: str) -> bytes:
    """At most LARGEST + 1 bytes, whatever the archive says about its size."""
    try:
        with ZipFile(BytesIO(raw)) as archive:
            (only,) = archive.namelist()
            with archive.open(only) as file:
                return file.read(LARGEST + 1)
    except ValueError:
        raise Invalid(f"{name} must contain one file.") from None
    except (BadZipFile, RuntimeError, NotImplementedError, EOFError, zlib.error):
        raise Invalid(f"{name} cannot be unzipped: it is damaged, encrypted or compressed in an unknown way.") from None


def _decoded(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Invalid(f"{name} is not UTF-8: line {line} contains the byte 0x{raw[error.start]:02x}.") from None
