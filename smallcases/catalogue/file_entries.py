"""Reads a file's entries with their line numbers: a JSON list of objects, or CSV rows grouped by scid."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any, Final, NoReturn

from gateway.values.errors import Invalid
from gateway.values.text_files import read_text

CONSTITUENT: Final = ("ticker", "weight")


@dataclass(frozen=True, slots=True)
class Entry:
    """`constituents`: line, ticker and weight as written in the file."""

    line: int
    fields: dict[str, Any]
    constituents: list[tuple[int, Any, Any]] = field(default_factory=list)


def entries(path: Path, *, fields: Sequence[str]) -> list[Entry]:
    """Raises Invalid for a truncated file, and for one that is neither JSON nor CSV with scid, ticker and weight."""
    text = read_text(path)
    if is_json(path, text):
        return list(_of_json(text, path.name))
    return _of_csv(text, path.name, fields)


def is_json(path: Path, text: str) -> bool:
    """Decided by the file name or the first character."""
    return path.suffix.lower() == ".json" or text.lstrip()[:1] in {"[", "{"}


def json_of(text: str, name: str) -> Any:
    """The parsed JSON, with numbers as Decimal. Raises Invalid with the line."""
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        _not_json(text, name, error)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{name} is not JSON: {error}.") from None


def constituents_of(line: int, rows: Any) -> list[tuple[int, Any, Any]]:
    """Line, ticker and weight of each object in a JSON list. Raises Invalid for another shape."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) and set(row) == set(CONSTITUENT) for row in rows):
        raise Invalid(f'line {line}: constituents must be a list of {{"ticker": …, "weight": …}}.')
    return [(line, row["ticker"], row["weight"]) for row in rows]


def _of_json(text: str, name: str) -> Iterator[Entry]:
    """Decodes the list's objects one by one, to know each object's line."""
    at = _after_space(text, 0)
    if text[at : at + 1] != "[":
        raise Invalid(f"{name} must contain a list of smallcases: [{{…}}, …].")
    at = _after_space(text, at + 1)
    while text[at : at + 1] != "]":
        line = text.count("\n", 0, at) + 1
        value, at = _decoded(text, at, name)
        if not isinstance(value, dict):
            raise Invalid(f"{name}, line {line}: a smallcase must be an object.")
        fields = {key: inner for key, inner in value.items() if key != "constituents"}
        yield Entry(line, fields, constituents_of(line, value.get("constituents")))
        at = _after_space(text, at)
        if text[at : at + 1] == ",":
            at = _after_space(text, at + 1)
        elif text[at : at + 1] != "]":
            _not_json(text, name, json.JSONDecodeError("expecting ',' or ']'", text, at))
    if text[at + 1 :].strip():
        raise Invalid(f"{name}, line {text.count(chr(10), 0, at) + 1}: there is text after the list.")


def _decoded(text: str, at: int, name: str) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as error:
        _not_json(text, name, error)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{name}, line {text.count(chr(10), 0, at) + 1}: not JSON: {error}.") from None


def _not_json(text: str, name: str, error: json.JSONDecodeError) -> NoReturn:
    is_cut = not text[error.pos :].strip() or error.msg.startswith("Unterminated")
    what = "the file is truncated here" if is_cut else error.msg
    raise Invalid(f"{name}, line {error.lineno}: not JSON: {what}.") from None


def _of_csv(text: str, name: str, fields: Sequence[str]) -> list[Entry]:
    """A smallcase's fields are in its first row; in its other rows they are empty or the same."""
    found = dict[str, Entry]()
    for line, row in rows_of(text, name, required=("scid", *CONSTITUENT)):
        given = {key: cell.strip() for key, cell in row.items() if key not in CONSTITUENT and cell.strip()}
        entry = found.setdefault(row["scid"].strip(), Entry(line, {key: given.get(key, "") for key in fields} | given))
        for key, cell in given.items():
            if entry.fields.get(key) != cell:
                raise Invalid(f"{name}, line {line}: {key} of {row['scid']} differs from line {entry.line}.")
        entry.constituents.append((line, row["ticker"], row["weight"]))
    return list(found.values())


def rows_of(text: str, name: str, *, required: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows with their last line number. Raises Invalid for a row longer or shorter than the header."""
    reader = csv.DictReader(StringIO(text, newline=""), strict=True)
    try:
        if missing := [column for column in required if column not in (reader.fieldnames or ())]:
            raise Invalid(f"{name}: missing columns: {', '.join(missing)}.")
        for row in reader:
            if None in row or None in row.values():
                raise Invalid(f"{name}, line {reader.line_num}: the row has more or fewer cells than the header.")
            yield reader.line_num, row
    except csv.Error as error:
        raise Invalid(f"{name}, line {reader.reader.line_num}: {error}; is the file truncated?") from None


def _after_space(text: str, at: int) -> int:
    while text[at : at + 1].isspace():
        at += 1
    return at


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


_DECODER: Final = json.JSONDecoder(parse_float=Decimal, parse_int=Decimal, parse_constant=_no_constant)
