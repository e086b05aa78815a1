"""Rupees: Decimal inside, JSON numbers on the wire."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

PAISA: Final = Decimal("0.01")
AVERAGE: Final = Decimal("0.0001")


def rupees(amount: Decimal) -> Decimal:
    """Rounded to the paisa, half to even (IEEE 754's default), so that roundings do not add up in one direction."""
    return amount.quantize(PAISA, ROUND_HALF_EVEN)


def average(price: Decimal) -> Decimal:
    """A price rounded to four decimals."""
    return price.quantize(AVERAGE, ROUND_HALF_EVEN)


def number(amount: Decimal | None) -> float | int | None:
    """For JSON. A float prints its shortest form, so a Decimal of up to 15 digits is written exactly."""
    if amount is None:
        return None
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def wire_amount(amount: Decimal | None) -> float | int | None:
    """Rupees for JSON, with at most two decimals."""
    return None if amount is None else number(rupees(amount))


def wire_price(price: Decimal | None) -> float | int | None:
    """An average price for JSON, with at most four decimals."""
    return None if price is None else number(average(price))


def is_multiple(price: Decimal, tick: Decimal) -> bool:
    return price % tick == 0


def grouped(digits: str) -> str:
    """The last three digits, then pairs: 12345678 is 1,23,45,678."""
    head, tail = digits[:-3], digits[-3:]
    pairs = [head[max(end - 2, 0) : end] for end in range(len(head), 0, -2)]
    return ",".join([*reversed(pairs), tail])
