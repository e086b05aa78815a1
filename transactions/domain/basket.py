"""A basket of securities: converts between the stored `order_config`, with the wire's keys, and values. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from brokers.ports.broker import OrderType, Side, Validity
from gateway.values.errors import Invalid
from gateway.values.money import number

MAX_QUANTITY: Final = 1_000_000  # shares of one order


@dataclass(frozen=True, slots=True)
class Security:
    """A line of a basket, prices in rupees. `quantity` and `side` are None if the user chooses them."""

    ticker: str
    quantity: int | None = None
    side: Side | None = None
    order_type: OrderType = OrderType.MARKET
    validity: Validity = Validity.DAY
    price: Decimal | None = None
    trigger_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OrderLine:
    """A line to order, with quantity and side."""

    security: Security
    quantity: int
    side: Side


def securities_of(order_config: Mapping[str, Any]) -> list[Security]:
    """The basket of a transaction, in the partner's order; empty without one."""
    return [_security(line) for line in order_config.get("securities", ())]


def line_of(security: Security) -> dict[str, Any]:
    """The line with the wire's keys, without defaults and values left to the user."""
    line = {
        "ticker": security.ticker,
        "quantity": security.quantity,
        "type": security.side and security.side.value,
        "price": number(security.price),
        "triggerPrice": number(security.trigger_price),
    }
    plain = security.order_type is OrderType.MARKET and security.validity is Validity.DAY
    if not plain:
        line |= {"orderType": security.order_type.value, "validity": security.validity.value}
    return {name: value for name, value in line.items() if value is not None}


def stop_problem(security: Security, side: Side | None) -> str | None:
    """Why the exchange would reject the stop order whatever the market: its limit is on the wrong side of its trigger.

    The trigger is checked against the market when the order reaches the exchange.
    """
    price, trigger = security.price, security.trigger_price
    if side is None or price is None or trigger is None or price == trigger:
        return None
    if side is Side.BUY and price < trigger:
        return f"price: of a buy must be at the triggerPrice, {trigger}, or above it."
    if side is Side.SELL and price > trigger:
        return f"price: of a sale must be at the triggerPrice, {trigger}, or below it."
    return None


def settled(basket: Sequence[Security], chosen: Mapping[str, Security]) -> list[OrderLine]:
    """Lines with quantity and side. Raises Invalid for a missing choice, or for one that the partner has fixed."""
    stray = sorted(chosen.keys() - {line.ticker for line in basket})
    problems = [f"securities: {ticker} is not in the basket." for ticker in stray]
    problems += [problem for line in basket for problem in _unsettled(line, chosen.get(line.ticker))]
    lines = [_line(line, chosen.get(line.ticker, line)) for line in basket]
    if problems:
        raise Invalid(*problems)
    return [line for line in lines if line]


def _unsettled(line: Security, choice: Security | None) -> Iterator[str]:
    for name in ("quantity", "side"):
        fixed, selected = getattr(line, name), getattr(choice, name, None)
        if fixed is None and selected is None:
            yield f"securities: choose the {name} of {line.ticker}."
        if fixed is not None and selected not in {None, fixed}:
            yield f"securities: the {name} of {line.ticker} is fixed."
    if line.side is None and choice and (problem := stop_problem(line, choice.side)):
        yield f"{line.ticker}: {problem}"


def _line(line: Security, choice: Security) -> OrderLine | None:
    quantity, side = line.quantity or choice.quantity, line.side or choice.side
    return OrderLine(line, quantity, side) if quantity and side else None


def _security(line: Mapping[str, Any]) -> Security:
    return Security(
        ticker=line["ticker"],
        quantity=line.get("quantity"),
        side=Side(line["type"]) if "type" in line else None,
        order_type=OrderType(line.get("orderType", OrderType.MARKET)),
        validity=Validity(line.get("validity", Validity.DAY)),
        price=_rupees(line.get("price")),
        trigger_price=_rupees(line.get("triggerPrice")),
    )


def _rupees(price: float | int | None) -> Decimal | None:
    return None if price is None else Decimal(str(price))
