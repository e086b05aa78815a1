"""Statutory rates by day, as fractions of turnover, from rates.csv. Pure.

A rate applies from its `valid_from` until the next row of the same charge, instrument class and side. An empty class or
side means any. Days before the first row use the first row.
"""

import csv
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from brokers.ports.broker import Side

TABLE: Final = Path(__file__).with_name("rates.csv")


class ChargeClass(StrEnum):
    """How an instrument is charged. SHARE: shares, REITs and InvITs. OTHER_ETF: gold, silver, debt and foreign ETFs."""

    SHARE = "SHARE"
    EQUITY_ETF = "EQUITY_ETF"
    OTHER_ETF = "OTHER_ETF"


@dataclass(frozen=True, slots=True)
class DatedRate:
    """A row of the table. None: any class, any side."""

    valid_from: date
    charge: str
    charge_class: ChargeClass | None
    side: Side | None
    rate: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class Rates:
    """Fractions: of turnover; `gst` of brokerage, exchange charges and SEBI fee. `exchange` includes IPFT."""

    stt: Decimal
    exchange: Decimal
    sebi: Decimal
    stamp: Decimal
    gst: Decimal
    brokerage_ceiling: Decimal


@lru_cache(maxsize=1_024)
def rates_on(on: date, charge_class: ChargeClass, side: Side) -> Rates:
    def rate(charge: str) -> Decimal:
        rows = [
            row
            for row in dated_rates()
            if row.charge == charge and row.charge_class in {None, charge_class} and row.side in {None, side}
        ]
        return next((row.rate for row in reversed(rows) if row.valid_from <= on), rows[0].rate)

    return Rates(
        stt=rate("STT"),
        exchange=rate("EXCHANGE") + rate("IPFT"),
        sebi=rate("SEBI"),
        stamp=rate("STAMP"),
        gst=rate("GST"),
        brokerage_ceiling=rate("BROKERAGE_CEILING"),
    )


@cache
def dated_rates() -> tuple[DatedRate, ...]:
    """The rows of the table, by day."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = [
            DatedRate(
                valid_from=date.fromisoformat(row["valid_from"]),
                charge=row["charge"],
                charge_class=ChargeClass(row["instrument_class"]) if row["instrument_class"] else None,
                side=Side(row["side"]) if row["side"] else None,
                rate=Decimal(row["rate"]),
                source=row["source"],
            )
            for row in csv.DictReader(file)
        ]
    return tuple(sorted(rows, key=lambda row: row.valid_from))
