"""Reads instruments from a file: our own CSV, or NSE's bhavcopy, which only updates instruments that exist."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from django.db.transaction import atomic

from brokers.market.charges import ChargeClass
from brokers.market.charges.classification import charge_class_of
from brokers.market.isin import is_isin
from brokers.market.series import PRICE_BANDS, Series
from brokers.market.ticks import ends_its_month, tick_for
from brokers.models import Instrument, InstrumentKind
from gateway.audit.trail import Actor
from gateway.partners import clock
from gateway.values.errors import Invalid
from gateway.values.ids import SYMBOL
from gateway.values.text_files import read_text_or_zip
from gateway.values.timestamps import IST

COLUMNS: Final = ("symbol", "name", "isin", "kind", "sector", "reference_price")
# Columns of NSE's bhavcopy: the UDiFF names in use since July 2024, the older ones, and those of sec_bhavdata_full.
BHAVCOPY: Final = (
    ("TckrSymb", "SctySrs", "ClsPric"),
    ("SYMBOL", "SERIES", "CLOSE"),
    ("SYMBOL", "SERIES", "CLOSE_PRICE"),
)
DAY_OF_BHAVCOPY: Final = (("TradDt", "%Y-%m-%d"), ("TIMESTAMP", "%d-%b-%Y"), ("DATE1", "%d-%b-%Y"))
SERIES_OF_TRUSTS: Final = {InstrumentKind.REIT: Series.RR, InstrumentKind.INVIT: Series.IV}
NAMED: Final = {"kind": InstrumentKind.values, "charge_class": ["", *ChargeClass]}
LONGEST: Final = {"name": 120, "sector": 60}
PRICED: Final = ("symbol", "reference_price", "priced_on")
TICK_LIMIT: Final = 1_000
Row = dict[str, str]
LOADED: Final = [
    *("name", "isin", "kind", "charge_class", "sector", "series"),
    *("price_band", "tick_size", "reference_price", "priced_on", "tradable"),
]


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that cannot be loaded: its line in the file, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class InstrumentFile:
    """Valid instruments, rejected rows with reasons, and how many bhavcopy rows are `unknown` to the catalogue."""

    instruments: list[Instrument] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    unknown: int = 0


def read_instruments(path: Path, *, progress: Callable[[], None] = lambda: None) -> InstrumentFile:
    """Raises Invalid if the file is not such a CSV. Calls `progress` once per row."""
    header, rows = _table(path)
    names = next((names for names in BHAVCOPY if set(names) <= header), None)
    if names:
        return _read_bhavcopy(rows, names)
    if missing := [column for column in COLUMNS if column not in header]:
        raise Invalid(f"{path.name} lacks the columns {', '.join(missing)}, and is not a bhavcopy.")
    return _read_catalogue(rows, progress)


def _table(path: Path) -> tuple[set[str], list[tuple[int, Row]]]:
    """The column names, and every row with its line number in the file."""
    try:
        reader = csv.DictReader(read_text_or_zip(path).splitlines(), strict=True)
        # sec_bhavdata_full has a space after each comma.
        reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
        return set(reader.fieldnames), [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise Invalid(f"{path.name} cannot be read: {error}.") from None


def load(instruments: Sequence[Instrument], *, by: Actor | None = None) -> None:
    """Inserts, or updates by symbol: all or nothing. Running it twice changes nothing."""
    with atomic(durable=True):
        before = _facts(Instrument.objects.filter(symbol__in=[one.symbol for one in instruments])) if by else {}
        Instrument.objects.bulk_create(
            instruments,
            update_conflicts=True,
            unique_fields=["symbol"],
            update_fields=LOADED,
            batch_size=500,
        )
        if by and instruments:
            after = _facts(instruments)
            changed = {symbol for symbol in after if before.get(symbol) != after[symbol]}
            by.record(
                "load instruments",
                f"{len(instruments)} instruments, {len(changed)} new or changed",
                before={symbol: before[symbol] for symbol in changed & before.keys()},
                after={symbol: after[symbol] for symbol in changed},
            )


def _facts(instruments: Iterable[Instrument]) -> dict[str, list[object]]:
    """The columns that a load may change, by symbol, for the audit trail."""
    return {one.symbol: [getattr(one, name) for name in LOADED] for one in instruments}


def _read_catalogue(rows: Sequence[tuple[int, Row]], progress: Callable[[], None]) -> InstrumentFile:
    """A catalogue names no day: its prices are of the day on which they are first loaded."""
    reading, seen = InstrumentFile(), set[str]()
    listed = dict(Instrument.objects.values_list("isin", "symbol"))
    priced = {(symbol, price): day for symbol, price, day in Instrument.objects.values_list(*PRICED) if day}
    today = clock.wall().astimezone(IST).date()
    for line, row in rows:
        problems = list(_problems(row, seen, listed))
        reading.rejects.extend(Reject(line, problem) for problem in problems)
        if not problems:
            made = _instrument(row)
            made.priced_on = priced.get((made.symbol, made.reference_price), today)
            reading.instruments.append(made)
        progress()
    return reading


def _problems(row: Row, seen: set[str], listed: Mapping[str, str]) -> Iterator[str]:
    if None in row or None in row.values():
        yield "the row has more or fewer cells than the header"
        return
    if not row["symbol"].strip() or not row["name"].strip():
        yield "symbol and name must not be empty"
    elif not SYMBOL.fullmatch(row["symbol"].strip()):
        yield f"{row['symbol']!r} is not an NSE symbol such as INFY"
    for column, longest in LONGEST.items():
        if len(row[column]) > longest:
            yield f"{column} must not exceed {longest} characters"
    if (other := listed.get(row["isin"], row["symbol"].strip())) != row["symbol"].strip():
        yield f"{row['isin']} is in the catalogue as {other}; rename it there first"
    if not is_isin(row["isin"]):
        yield f"{row['isin']!r} is not an ISIN: shape or check digit is wrong"
    yield from (
        f"{column} must be one of {', '.join(filter(None, known))}"
        for column, known in NAMED.items()
        if row.get(column, "") not in known
    )
    yield from _unknown_series_or_band(row)
    for key in {row["symbol"], row["isin"]} & seen:
        yield f"{key} is in the file twice"
    seen |= {row["symbol"], row["isin"]}
    price, tick = _positive(row["reference_price"]), _positive(row.get("tick_size") or "0.01")
    if price is None or tick is None:
        yield "reference_price and tick_size must be above zero, with two decimals at most"
    elif tick >= TICK_LIMIT:
        yield f"tick_size must be below {TICK_LIMIT}"
    elif price % tick:
        yield f"reference_price must be a multiple of the tick size, {tick}"


def _unknown_series_or_band(row: Row) -> Iterator[str]:
    if (row.get("series") or Series.EQ) not in Series.values:
        yield f"series must be one of {', '.join(Series.values)}"
    if (row.get("price_band") or "20") not in map(str, PRICE_BANDS):
        yield f"price_band must be empty or one of {', '.join(map(str, PRICE_BANDS))}"


def _positive(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    fits = number.is_finite() and 0 < number < 10**9 and number == number.quantize(Decimal("0.01"))
    return number if fits else None


def _instrument(row: Row) -> Instrument:
    price = Decimal(row["reference_price"])
    return Instrument(
        symbol=row["symbol"].strip(),
        name=row["name"].strip(),
        isin=row["isin"],
        kind=row["kind"],
        charge_class=row.get("charge_class") or charge_class_of(row["kind"], row["name"]).value,
        sector=row["sector"].strip(),
        series=row.get("series") or SERIES_OF_TRUSTS.get(InstrumentKind(row["kind"]), Series.EQ),
        price_band=int(row["price_band"]) if row.get("price_band") else None,
        tick_size=Decimal(row["tick_size"]) if row.get("tick_size") else tick_for(row["kind"], price),
        reference_price=price,
        tradable=(row.get("tradable") or "true").lower() not in {"false", "no", "0"},
    )


def _read_bhavcopy(rows: Sequence[tuple[int, Row]], names: tuple[str, str, str]) -> InstrumentFile:
    symbol, series, close = names
    known = {instrument.symbol: instrument for instrument in Instrument.objects.all()}
    reading, unknown, updated = InstrumentFile(), 0, dict[str, Instrument]()
    for line, row in rows:
        if (traded_in := (row[series] or "").strip()) not in Series.values:
            continue
        instrument, price = known.get((row[symbol] or "").strip()), _positive((row[close] or "").strip())
        if price is None:
            reading.rejects.append(Reject(line, f"{close} is not a price"))
        elif instrument is None:
            unknown += 1
        else:
            instrument.series, instrument.reference_price = traded_in, price
            instrument.priced_on = _day_of(row)
            if instrument.priced_on and ends_its_month(instrument.priced_on):
                on = instrument.priced_on + timedelta(days=1)
                instrument.tick_size = tick_for(instrument.kind, price, on=on)
            updated[instrument.symbol] = instrument  # once, even if it trades in two series
    return InstrumentFile(list(updated.values()), reading.rejects, unknown)


def _day_of(row: Row) -> date | None:
    """The trading day of a bhavcopy's row, if it says so."""
    for column, form in DAY_OF_BHAVCOPY:
        with suppress(ValueError):
            if written := (row.get(column) or "").strip():
                return datetime.strptime(written, form).replace(tzinfo=IST).date()
    return None
