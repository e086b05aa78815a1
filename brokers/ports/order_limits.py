"""The largest order that a broker takes, and the slices of a larger one. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from gateway.values.money import grouped


@dataclass(frozen=True, slots=True)
class OrderLimit:
    """An order has at most so many shares, and is worth at most so many rupees."""

    shares: int
    rupees: Decimal

    def largest(self, price: Decimal) -> int:
        """The most shares of one order at `price` rupees each; one share always passes."""
        return max(min(self.shares, int(self.rupees / price)), 1)

    def __str__(self) -> str:
        return f"{grouped(str(self.shares))} shares or ₹{grouped(str(int(self.rupees)))}"


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of one order, which the exchange knows as an order of its own. `average_price` in rupees."""

    exchange_order_id: str
    quantity: int
    filled_quantity: int
    average_price: Decimal | None


def slice_sizes(quantity: int, largest: int) -> list[int]:
    """Shares of each slice: full ones, then the rest."""
    full, rest = divmod(quantity, largest)
    return [largest] * full + ([rest] if rest else [])


def split_at_slices(quantities: Sequence[int], largest: int, *, filled: int = 0) -> Iterator[tuple[int, int, int]]:
    """Index of the quantity, slice, shares: fills that follow `filled` shares, so that none crosses two slices."""
    for index, quantity in enumerate(quantities):
        until = filled + quantity
        while filled < until:
            number, into = divmod(filled, largest)
            part = min(until - filled, largest - into)
            yield index, number, part
            filled += part
