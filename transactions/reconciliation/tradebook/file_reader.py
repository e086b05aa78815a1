"""Reads a tradebook file line by line, in constant memory. Errors name the line. Pure.

One unreadable line rejects the whole file, because a tradebook with gaps does not prove that an order was not filled.
"""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import BinaryIO, Final

from brokers.ports.broker import Side
from gateway.values.errors import Invalid
from transactions.reconciliation.tradebook import cells as values
from transactions.reconciliation.tradebook.columns import Column, Dialect, Layout, found_in, layout_of, missing

LARGEST: Final = 64 * 1024 * 1024
LONGEST_LINE: Final = 4_096
MOST_COLUMNS: Final = 100
MOST_TRADES: Final = 500_000
HEADER_WITHIN: Final = 20
SEPARATORS: Final = (",", ";", "\t", "|")
_BLOCK: Final = 64 * 1024
_NO_TEXT: Final = {
    b"PK": "a zip file or a spreadsheet (.xlsx)",
    b"\x1f\x8b": "compressed (gzip)",
    b"BZh": "compressed (bzip2)",
    b"\xfd7zXZ": "compressed (xz)",
    b"7z\xbc\xaf": "compressed (7z)",
    b"\x28\xb5\x2f\xfd": "compressed (zstd)",
    b"Rar!": "compressed (rar)",
    b"\xd0\xcf\x11\xe0": "a spreadsheet (.xls)",
    b"%PDF": "a PDF",
}
_MARKS: Final = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


class UnreadableTradebook(Invalid):
    """The file is not a complete tradebook; nothing is staged. `line` counts from 1; 0 is the whole file."""

    def __init__(self, line: int, reason: str) -> None:
        sentence = reason if reason.endswith("?") else f"{reason}."
        super().__init__(f"line {line}: {sentence}" if line else f"The file is rejected: {sentence}")
        self.line = line


@dataclass(frozen=True, slots=True)
class Trade:
    """A line of the tradebook. `price` in rupees, 0 without a fill. `order_no`, `order_ref` or both are given."""

    line: int
    symbol: str
    side: Side
    quantity: int
    price: Decimal
    order_no: str = ""
    order_ref: str = ""
    trade_no: str = ""
    client: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Book:
    """The format of a recognised tradebook file."""

    encoding: str
    separator: str
    layout: Layout
    header_line: int


def examine(file: BinaryIO, *, dialect: Dialect | None = None) -> tuple[Book, int]:
    """Reads the whole file; returns its format and number of trades. Raises Refused."""
    book = open_book(file, dialect=dialect)
    count = 0
    for _ in trades(file, book):
        count += 1
    if not count:
        raise UnreadableTradebook(book.header_line, "there is no trade after the header")
    return book, count


def open_book(file: BinaryIO, *, dialect: Dialect | None = None) -> Book:
    encoding = _encoding(file)
    for number, line in enumerate(_lines(file, encoding), start=1):
        for separator in SEPARATORS:
            header = _cells(line, separator)
            layout = layout_of(header, dialect) if 1 < len(header) <= MOST_COLUMNS else None
            if layout is not None:
                return Book(encoding, separator, layout, number)
        if number >= HEADER_WITHIN:
            break
    raise UnreadableTradebook(1, _no_header(file, encoding, dialect))


def trades(file: BinaryIO, book: Book) -> Iterator[Trade]:
    """The trades after the header. Raises Refused at the first unreadable line."""
    lines = _lines(file, book.encoding)
    for _ in range(book.header_line):
        next(lines)
    reader = csv.reader(lines, delimiter=book.separator, strict=True)
    done, at = 0, book.header_line
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UnreadableTradebook(at + 1, f"{error}; is the file truncated?") from None
        start, at = at + 1, book.header_line + reader.line_num
        if at > start:
            raise UnreadableTradebook(start, "a quotation mark is not closed")
        if not any(cell.strip() for cell in cells):
            continue
        done += 1
        if done > MOST_TRADES:
            raise UnreadableTradebook(start, f"more than {MOST_TRADES:,} trades: split the file")
        yield _trade(start, cells, book.layout)


def _encoding(file: BinaryIO) -> str:
    """From the byte order mark, else UTF-8 if the whole file decodes, else cp1252. Raises Refused for other files."""
    file.seek(0)
    head = file.read(8)
    for magic, kind in _NO_TEXT.items():
        if head.startswith(magic):
            raise UnreadableTradebook(0, f"it is {kind}; save the tradebook as CSV")
    marked = next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)
    file.seek(0)
    return _scan(file, marked)


def _scan(file: BinaryIO, marked: str | None) -> str:
    decoder = codecs.getincrementaldecoder(marked or "utf-8")()
    size, line, is_sound = 0, 1, True
    while block := file.read(_BLOCK):
        size += len(block)
        if size > LARGEST:
            raise UnreadableTradebook(0, f"it is larger than {LARGEST // 1024 // 1024} MiB; split the file")
        if marked != "utf-16" and b"\0" in block:
            raise UnreadableTradebook(line + block[: block.index(b"\0")].count(b"\n"), "a NUL byte: not a text file")
        line += block.count(b"\n")
        if is_sound:
            is_sound = _decodes(decoder, block)
    if not size:
        raise UnreadableTradebook(0, "it is empty")
    if is_sound and _decodes(decoder, b"", final=True):
        return marked or "utf-8"
    if marked:
        raise UnreadableTradebook(0, f"it begins as {marked} but is not valid {marked}; is it truncated?")
    return "cp1252"


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return False
    return True


def _lines(file: BinaryIO, encoding: str) -> Iterator[str]:
    """Lines with their end. Raises Refused for a last line without an end, which is truncated."""
    rest, number = "", 0
    for text in _decoded(file, encoding):
        *whole, rest = (rest + text).split("\n")
        for line in whole:
            number += 1
            yield f"{_checked(number, line)}\n"
        _checked(number + 1, rest)
    if rest:
        raise UnreadableTradebook(number + 1, "the line has no end: the file is truncated")


def _decoded(file: BinaryIO, encoding: str) -> Iterator[str]:
    """Decoded blocks, with line feeds as line ends."""
    plain = codecs.getincrementaldecoder(encoding)("replace")
    decoder = io.IncrementalNewlineDecoder(plain, translate=True)
    file.seek(0)
    while block := file.read(_BLOCK):
        yield decoder.decode(block)
    yield decoder.decode(b"", final=True)


def _checked(number: int, line: str) -> str:
    if len(line) > LONGEST_LINE:
        raise UnreadableTradebook(number, f"longer than {LONGEST_LINE:,} characters")
    if "\0" in line:
        raise UnreadableTradebook(number, "a NUL character: not a text file")
    return line


def _cells(line: str, separator: str) -> list[str]:
    return next(csv.reader([line], delimiter=separator), [])


def _no_header(file: BinaryIO, encoding: str, dialect: Dialect | None) -> str:
    first = next(_lines(file, encoding), "")
    header = max((_cells(first, separator) for separator in SEPARATORS), key=len)
    absent = ", ".join(missing(found_in(header)))
    named = f" of the {dialect} dialect" if dialect else ""
    return f"no header{named} within {HEADER_WITHIN} lines; missing: {absent or 'known columns'}"


def _trade(line: int, cells: Sequence[str], layout: Layout) -> Trade:
    if len(cells) != len(layout.header):
        few = f"{len(cells)} columns instead of {len(layout.header)}"
        raise UnreadableTradebook(line, few if len(cells) > len(layout.header) else f"{few}: is the file truncated?")
    bare = [cell.strip() for cell in cells]
    for name, cell in zip(layout.header, bare, strict=True):
        if values.is_formula(cell):
            raise UnreadableTradebook(line, f"{name.strip()}: “{cell[:20]}” is a formula, not data")
    try:
        return _read(line, {column: bare[place] for column, place in layout.places.items()})
    except values.UnreadableCell as problem:
        raise UnreadableTradebook(line, str(problem)) from None


def _read(line: int, cell: dict[Column, str]) -> Trade:
    quantity = values.shares(cell[Column.QUANTITY])
    order_no, order_ref = cell.get(Column.ORDER_NO, ""), cell.get(Column.ORDER_REF, "")
    if not (order_no or order_ref):
        raise values.UnreadableCell("no order id")
    return Trade(
        line=line,
        symbol=values.symbol(cell[Column.SYMBOL]),
        side=values.side(cell[Column.SIDE]),
        quantity=quantity,
        price=values.price(cell[Column.PRICE]) if quantity else Decimal(0),
        order_no=values.identifier(order_no) if order_no else "",
        order_ref=values.identifier(order_ref) if order_ref else "",
        trade_no=values.identifier(cell[Column.TRADE_NO]) if cell.get(Column.TRADE_NO) else "",
        client=values.client(cell[Column.CLIENT]) if cell.get(Column.CLIENT) else "",
        at=_at(cell),
    )


def _at(cell: dict[Column, str]) -> datetime | None:
    """The time column may also have the date."""
    day, clock = cell.get(Column.DAY, ""), cell.get(Column.TIME, "")
    if len(clock) > len("11:59:59.000 PM"):
        return values.moment(clock)
    return values.moment(day, "" if ":" in day else clock) if day else None
