"""The slices of a simulated order: the exchange knows each under its own order id."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from hashlib import blake2b

from brokers.ports.order_limits import Slice, slice_sizes
from brokers.simulator import sql
from brokers.simulator.models import SimOrder
from gateway.values.money import average


def exchange_order_id(ref: str, number: int = 0) -> str:
    """Sixteen digits, as NSE's are; the same for the same ref and slice."""
    named = f"{ref}/{number}" if number else ref
    return str(10**15 + int.from_bytes(blake2b(named.encode(), digest_size=6).digest(), "big"))


def slices_of(orders: Sequence[SimOrder]) -> Mapping[int, Sequence[Slice]]:
    """By order, of those that are several orders at the exchange. One query, if there is such an order."""
    sliced = [order for order in orders if order.slice_quantity and order.exchange_order_id]
    filled: dict[int, dict[int, tuple[int, Decimal]]] = defaultdict(dict)
    for order, number, shares, turnover in sql.traded_in_slices([order.pk for order in sliced]):
        filled[order][number] = shares, turnover
    return {order.pk: _slices(order, filled[order.pk]) for order in sliced}


def _slices(order: SimOrder, filled: Mapping[int, tuple[int, Decimal]]) -> list[Slice]:
    slices = []
    for number, quantity in enumerate(slice_sizes(order.quantity, order.slice_quantity or order.quantity)):
        shares, turnover = filled.get(number, (0, Decimal(0)))
        price = average(turnover / shares) if shares else None
        slices.append(Slice(exchange_order_id(order.ref, number), quantity, shares, price))
    return slices
