"""Reads market days from a file: NSE's list of trading holidays (JSON or CSV), or our own CSV with sessions.

NSE's list names all holidays of a year, and no hours. `nseindia.com/api/holiday-master?type=trading` answers with a
list for each segment, of which "CM" is the capital market; the exchange's page has the same as a CSV. Our own CSV
has the columns day, opens, closes and note, with a row for each session; a row without times is a holiday.
"""

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from brokers.market.hours import SATURDAY, Times
from brokers.market.instrument_files import Reject
from gateway.values.errors import Invalid
from gateway.values.timestamps import IST

SEGMENT: Final = "CM"
NSE_COLUMNS: Final = frozenset({"DATE", "DESCRIPTION"})
OWN_COLUMNS: Final = frozenset({"DAY", "OPENS", "CLOSES"})
DATE_FORMATS: Final = ("%Y-%m-%d", "%d-%b-%Y", "%d-%B-%Y")
YEARS: Final = range(2001, 2101)
LONGEST_NOTE: Final = 120
# NSE publishes 13 to 16 holidays on weekdays a year. A list with fewer is a part of it.
FEWEST_HOLIDAYS: Final = 8
Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ListedDay:
    """A holiday if it has no sessions; otherwise its sessions in IST, in their order."""

    sessions: tuple[Times, ...]
    note: str


@dataclass(slots=True)
class MarketDayFile:
    """`whole_years`: the years of which the file names all holidays. `weekends`: listed holidays that need no row."""

    days: dict[date, ListedDay] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    whole_years: frozenset[int] = frozenset()
    weekends: int = 0


class _Rejected(Exception):
    """A row that cannot be used, with the reason."""


def read_market_days(text: str, name: str) -> MarketDayFile:
    """Raises Invalid if the text is none of the three formats, or only a part of NSE's list."""
    if text.lstrip().startswith(("{", "[")):
        return _whole_list(_json_rows(text, name), name)
    columns, rows = _csv_rows(text, name)
    if columns >= OWN_COLUMNS:
        return _read(rows, _take_session)
    if columns >= NSE_COLUMNS:
        return _whole_list(rows, name)
    raise Invalid(f"{name} has neither NSE's columns DATE and DESCRIPTION nor day, opens, closes and note.")


def _json_rows(text: str, name: str) -> list[tuple[int, Row]]:
    """Each holiday with its number in the list."""
    try:
        listed: list[dict[str, Any]] = json.loads(text)[SEGMENT]
        rows = [{"DATE": str(row["tradingDate"]), "DESCRIPTION": str(row["description"])} for row in listed]
    except (ValueError, KeyError, TypeError, RecursionError):
        form = f'{{"{SEGMENT}": [{{"tradingDate": "26-Jan-2027", "description": "Republic Day"}}, …]}}'
        raise Invalid(f"{name} is not NSE's holiday list, which has the form {form}.") from None
    return list(enumerate(rows, start=1))


def _csv_rows(text: str, name: str) -> tuple[set[str], list[tuple[int, Row]]]:
    """The columns, in capitals, and each row with its line. Missing cells are empty."""
    try:
        reader = csv.reader(text.splitlines(), strict=True, skipinitialspace=True)
        header = [" ".join(cell.split()).upper() for cell in next(reader, [])]
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        raise Invalid(f"{name} cannot be read: {error}.") from None
    empty = dict.fromkeys(header, "")
    return set(header), [(line, empty | dict(zip(header, row, strict=False))) for line, row in rows if any(row)]


def _whole_list(rows: Sequence[tuple[int, Row]], name: str) -> MarketDayFile:
    found = _read(rows, _take_holiday)
    numbers = Counter(day.year for day in found.days)
    few = [year for year, number in numbers.items() if number < FEWEST_HOLIDAYS]
    if few and not found.rejects:
        raise Invalid(
            f"{name} names {numbers[few[0]]} holidays of {few[0]}: it is a part of NSE's list. Import the whole list, "
            "or single days with the columns day, opens, closes, note."
        )
    found.whole_years = frozenset(numbers)
    return found


def _read(rows: Iterable[tuple[int, Row]], take: Callable[[MarketDayFile, Row], None]) -> MarketDayFile:
    found = MarketDayFile()
    for line, row in rows:
        try:
            take(found, row)
        except _Rejected as reason:
            found.rejects.append(Reject(line, str(reason)))
    return found


def _take_holiday(found: MarketDayFile, row: Row) -> None:
    day = _date(row["DATE"])
    if day in found.days:
        raise _Rejected(f"{day} is in the list twice")
    if day.weekday() >= SATURDAY:
        found.weekends += 1
    else:
        found.days[day] = ListedDay((), _note(row["DESCRIPTION"]))


def _take_session(found: MarketDayFile, row: Row) -> None:
    day, times = _date(row["DAY"]), _times(row["OPENS"], row["CLOSES"])
    before = found.days.get(day)
    if before and (times is None or not before.sessions):
        raise _Rejected(f"{day} is in the file as a holiday and again")
    others = before.sessions if before else ()
    if times and any(times[0] < closes and opens < times[1] for opens, closes in others):
        raise _Rejected(f"{day} has two sessions that overlap")
    sessions = (*others, times) if times else ()
    found.days[day] = ListedDay(tuple(sorted(sessions)), before.note if before else _note(row.get("NOTE", "")))


def _date(text: str) -> date:
    for form in DATE_FORMATS:
        try:
            day = _parsed(text, form).date()
        except ValueError:
            continue
        if day.year in YEARS:
            return day
    raise _Rejected(f"{text[:40]!r} is not a date such as 26-Jan-2027 or 2027-01-26")


def _times(opens: str, closes: str) -> Times | None:
    if not opens and not closes:
        return None
    try:
        times = _parsed(opens, "%H:%M").time(), _parsed(closes, "%H:%M").time()
    except ValueError:
        raise _Rejected("opens and closes must be HH:MM, or both empty") from None
    if times[0] >= times[1]:
        raise _Rejected("opens must be before closes")
    return times


def _parsed(text: str, form: str) -> datetime:
    return datetime.strptime(text, form).replace(tzinfo=IST)


def _note(text: str) -> str:
    return " ".join(text.split())[:LONGEST_NOTE]
