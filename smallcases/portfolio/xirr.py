"""The yearly return of money that was put in and taken out on different days. Pure."""

import math
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from gateway.values.money import rupees

YEAR: Final = 365
LEAST, MOST = -0.999, 1e6  # a loss of 99.9 per cent, and a million times the money in a year
HALVINGS: Final = 100


def xirr(flows: Sequence[tuple[date, Decimal]]) -> Decimal | None:
    """Per cent a year, two decimals: the rate at which the flows are worth nothing on the first day.

    The rate r solves Σ amount ÷ (1 + r)^(days ÷ 365) = 0, days from the first flow, as XIRR of Microsoft Excel does.
    Money that was put in is negative, money that came back is positive. None if money flows in one direction only,
    or all on one day, or if no rate between a loss of 99.9 per cent and a million times a year solves it. Found by
    bisection in floats, because a power of a fraction has no exact value.
    """
    days = [(day - min(flow_day for flow_day, _ in flows)).days for day, _ in flows]
    amounts = [float(amount) for _, amount in flows]
    if not any(days) or min(amounts) >= 0 or max(amounts) <= 0:
        return None

    def worth(rate: float) -> float:
        return sum(amount * math.pow(1 + rate, -day / YEAR) for amount, day in zip(amounts, days, strict=True))

    low, high = LEAST, MOST
    if worth(low) * worth(high) > 0:
        return None
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if worth(middle) * worth(low) > 0 else (low, middle)
    return rupees(Decimal(100 * low))
