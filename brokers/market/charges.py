"""The charges of a delivery (CNC) trade.

Statutory rates of equity delivery on NSE as brokers publish them for 2026: STT 0.1 % on buys and sales, exchange
transaction charge 0.00297 %, SEBI fee ₹10 a crore (0.0001 %), stamp duty 0.015 % of buys, GST 18 % on brokerage,
exchange charge and SEBI fee. Each broker sets its brokerage: the lower of a share of turnover and a flat amount.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from brokers.ports.broker import Side
from gateway.values.money import rupees

STT: Final = Decimal("0.001")
EXCHANGE: Final = Decimal("0.0000297")
SEBI: Final = Decimal("0.000001")
STAMP: Final = Decimal("0.00015")
GST: Final = Decimal("0.18")


@dataclass(frozen=True, slots=True)
class Tariff:
    """Brokerage per executed order: `rate` of its turnover, `cap` rupees at most."""

    rate: Decimal
    cap: Decimal


def charges(tariff: Tariff, side: Side, turnover: Decimal) -> Decimal:
    """Rupees for a delivery trade of `turnover` rupees: brokerage, statutory charges and GST."""
    brokerage = min(tariff.rate * turnover, tariff.cap)
    fees = (EXCHANGE + SEBI) * turnover
    stamp = STAMP * turnover if side is Side.BUY else Decimal(0)
    return rupees(brokerage + STT * turnover + fees + stamp + GST * (brokerage + fees))
