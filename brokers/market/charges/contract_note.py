"""The charges of an account's orders on a day, as its contract note adds them up. Pure.

Brokerage and GST are computed for each order, STT and the DP charge for each scrip and day: STT on the scrip's whole
turnover is rounded to a rupee, half up (Finance (No. 2) Act 2004 s. 99 with NSE/CMTR/5588: the trades of a client in a
security on a day are one sum; support.zerodha.com on rounding). Of the rounded STT each order carries what it adds to
the scrip's running total, in the orders' order. The first sale of a scrip carries the day's DP charge.

The other charges are rounded to the paisa, so the parts add up to the total. A share sold on the day it was bought is
charged as delivery.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from datetime import date
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Final, Self

from brokers.market.charges.rates import ChargeClass, Rates, rates_on
from brokers.market.charges.tariffs import Tariff
from brokers.ports.broker import Side
from gateway.values.money import PAISA, rupees

RUPEE: Final = Decimal(1)
ZERO: Final = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Charges:
    """Rupees. `exchange` includes IPFT, `dp` its own GST."""

    brokerage: Decimal = ZERO
    stt: Decimal = ZERO
    exchange: Decimal = ZERO
    sebi: Decimal = ZERO
    stamp: Decimal = ZERO
    gst: Decimal = ZERO
    dp: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return sum(astuple(self), ZERO)

    def __add__(self, other: Self) -> "Charges":
        return Charges(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


NOTHING: Final = Charges()


@dataclass(frozen=True, slots=True)
class ChargedOrder:
    """What filled of an order on a day: `turnover` in rupees is the sum of price × shares."""

    ticker: str
    charge_class: ChargeClass
    side: Side
    turnover: Decimal
    on: date


@dataclass(slots=True)
class ScripDay:
    """A scrip on the contract note of a day: its exact STT in rupees, and whether a sale has paid the DP charge."""

    tax: Decimal = ZERO
    is_sold: bool = False

    def shared_charges(self, order: ChargedOrder, tariff: Tariff) -> Charges:
        """STT and DP charge that the order adds."""
        owes_dp = order.side is Side.SELL and bool(order.turnover) and not self.is_sold
        stt = _to_the_rupee(self.tax + _tax(order)) - _to_the_rupee(self.tax)
        return Charges(stt=stt, dp=tariff.dp if owes_dp else ZERO)

    def add(self, order: ChargedOrder) -> None:
        self.tax += _tax(order)
        self.is_sold = self.is_sold or (order.side is Side.SELL and bool(order.turnover))


def charges_of(orders: Iterable[ChargedOrder], tariff: Tariff) -> list[Charges]:
    """The charges of each of the orders, which are all that an account has filled in these scrips on these days.

    They depend on nothing but the turnovers, never on the number of trades.
    """
    scrips: defaultdict[tuple[str, date], ScripDay] = defaultdict(ScripDay)
    found = []
    for order in orders:
        scrip = scrips[order.ticker, order.on]
        found.append(own_charges(order, tariff) + scrip.shared_charges(order, tariff))
        scrip.add(order)
    return found


def own_charges(order: ChargedOrder, tariff: Tariff) -> Charges:
    """All but STT and DP charge: what the order is charged whatever else is on the note."""
    rates = rates_on(order.on, order.charge_class, order.side)
    brokerage = brokerage_of(order.turnover, tariff, rates)
    return Charges(
        brokerage=brokerage,
        exchange=rupees(rates.exchange * order.turnover),
        sebi=rupees(rates.sebi * order.turnover),
        stamp=rupees(rates.stamp * order.turnover),
        gst=rupees(rates.gst * (brokerage + (rates.exchange + rates.sebi) * order.turnover)),
    )


def brokerage_of(turnover: Decimal, tariff: Tariff, rates: Rates) -> Decimal:
    """Rupees for an order, never above the exchange's ceiling, which is rounded down."""
    by_tariff = rupees(min(max(tariff.rate * turnover, tariff.minimum), tariff.cap))
    return min(by_tariff, (rates.brokerage_ceiling * turnover).quantize(PAISA, ROUND_FLOOR))


def _tax(order: ChargedOrder) -> Decimal:
    return rates_on(order.on, order.charge_class, order.side).stt * order.turnover


def _to_the_rupee(amount: Decimal) -> Decimal:
    return amount.quantize(RUPEE, ROUND_HALF_UP)
