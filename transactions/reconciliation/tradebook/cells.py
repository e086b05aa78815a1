"""Cells of a tradebook: numbers with thousands separators, dates of several forms, ids, sides. Pure."""

import re
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Final

from brokers.ports.broker import Side
from gateway.values.timestamps import IST
from transactions.domain.basket import MAX_QUANTITY

LOWEST_PRICE: Final = Decimal("0.0001")
HIGHEST_PRICE: Final = Decimal(10_000_000)
# NSE did not trade before; databases and time zones do not support all later years.
YEARS: Final = range(1990, 2100)
_FORMULA: Final = ("=", "+", "-", "@")
_SIGNED_NUMBER: Final = re.compile(r"[+-]\s?[\d.,]+%?\Z")
_CURRENCY: Final = re.compile(r"^(₹|rs\.?|inr)\s*", re.IGNORECASE)
# Plain, in lakhs and crores (1,23,456.00), or in thousands (123,456.00).
_NUMBER: Final = re.compile(r"(\d+|\d{1,2}(,\d\d)*,\d{3}|\d{1,3}(,\d{3})+)(\.\d{1,8})?\Z", re.ASCII)
_SHORTENED: Final = re.compile(r"\d(\.\d+)?[eE]\+?\d+\Z", re.ASCII)
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,31}\Z")
_CLIENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@/ -]{0,63}\Z")
_SYMBOL: Final = re.compile(r"[A-Z0-9][A-Z0-9&_.-]{0,19}\Z")
_SIDES: Final = {
    **dict.fromkeys(("b", "buy", "bought"), Side.BUY),
    **dict.fromkeys(("s", "sell", "sold"), Side.SELL),
}
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_T: Final = re.compile(r"(?<=\d)T(?=\d)")
_YEAR_FIRST: Final = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})\Z", re.ASCII)
_DAY_FIRST: Final = re.compile(r"(\d{1,2})[-/. ](\d{1,2}|[A-Za-z]{3})[a-z]*[-/. ,]+(\d{4}|\d{2})\Z", re.ASCII)
_TIME: Final = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*([AaPp][Mm])?(Z|[+-]\d\d:?\d\d)?\Z", re.ASCII)


class UnreadableCell(ValueError):
    """The cell cannot be read; the message is a clause."""


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet would run the cell. A signed number is not a formula."""
    return cell.startswith(_FORMULA) and not _SIGNED_NUMBER.match(cell)


def number(cell: str) -> Decimal:
    """Raises UnreadableCell."""
    text = _CURRENCY.sub("", cell.replace("\u00a0", " ").replace("\u202f", " ").strip()).replace(" ", "")
    if not _NUMBER.match(text):
        raise UnreadableCell(f"“{cell[:40]}” is not a number")
    return Decimal(text.replace(",", ""))


def shares(cell: str) -> int:
    """A whole number from 0 to MAX_QUANTITY; 10.000000 is 10. Raises UnreadableCell."""
    read = number(cell)
    if read != read.to_integral_value() or read > MAX_QUANTITY:
        raise UnreadableCell(f"“{cell[:40]}” is not a number of shares")
    return int(read)


def price(cell: str) -> Decimal:
    """Rupees, at least 0.0001, because columns have four decimals. Raises UnreadableCell."""
    read = number(cell)
    if not LOWEST_PRICE <= read < HIGHEST_PRICE:
        raise UnreadableCell(f"“{cell[:40]}” is not a price")
    return read


def side(cell: str) -> Side:
    found = _SIDES.get(cell.strip().lower())
    if found is None:
        raise UnreadableCell(f"“{cell[:40]}” is neither buy nor sell")
    return found


def symbol(cell: str) -> str:
    """The NSE symbol without exchange and series. Raises UnreadableCell."""
    text = cell.strip().upper().removeprefix("NSE:").removesuffix("-EQ").removesuffix(" EQ")
    if not _SYMBOL.match(text):
        raise UnreadableCell(f"“{cell[:40]}” is not a symbol")
    return text


def identifier(cell: str) -> str:
    """An order's or trade's id, without the apostrophe that spreadsheets add. Raises UnreadableCell."""
    text = cell.strip().removeprefix("'")
    if _SHORTENED.match(text):
        raise UnreadableCell(
            f"“{text[:40]}” was shortened by a spreadsheet: export the tradebook again without opening it"
        )
    if not _ID.match(text):
        raise UnreadableCell(f"“{cell[:40]}” is not an id")
    return text


def client(cell: str) -> str:
    text = cell.strip()
    if not _CLIENT.match(text):
        raise UnreadableCell(f"“{cell[:40]}” is not a client id")
    return text


def moment(day: str, clock: str = "") -> datetime:
    """A moment in IST, unless the cell has a zone. 05/11/2026 is 5 November. A date alone is midnight."""
    text = _T.sub(" ", f"{day.strip()} {clock.strip()}".strip())
    first, rest = _split(text)
    read = _day(first)
    return _at(read, rest.strip()) if rest else datetime.combine(read, time(0), IST)


def _split(text: str) -> tuple[str, str]:
    """Date and time; the date may contain spaces."""
    found = re.search(r"\d{1,2}:\d{2}", text)
    if found is None:
        return text, ""
    return text[: found.start()].strip(" ,"), text[found.start() :]


@lru_cache(maxsize=512)
def _day(text: str) -> date:
    try:
        read = _date(text)
    except ValueError:
        read = None
    if read is None or read.year not in YEARS:
        raise UnreadableCell(f"“{text[:40]}” is not a date")
    return read


def _date(text: str) -> date | None:
    if found := _YEAR_FIRST.match(text):
        return date(int(found[1]), int(found[2]), int(found[3]))
    if found := _DAY_FIRST.match(text):
        month = int(found[2]) if found[2].isdigit() else _MONTHS.index(found[2].lower()) + 1
        return date(int(found[3]) + (2000 if len(found[3]) == 2 else 0), month, int(found[1]))
    return None


def _at(day: date, text: str) -> datetime:
    found = _TIME.match(text)
    try:
        if found is None:
            raise ValueError
        hour = int(found[1])
        if found[4]:
            hour = hour % 12 + (12 if found[4].lower() == "pm" else 0)
        zone = IST if found[5] is None else datetime.fromisoformat(f"2026-01-01T00:00:00{found[5]}").tzinfo
        return datetime.combine(day, time(hour, int(found[2]), int(found[3] or 0)), zone)
    except ValueError:
        raise UnreadableCell(f"“{text[:40]}” is not a time") from None
