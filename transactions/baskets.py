"""A basket of securities: the wire's shape, checked and kept in `order_config`, and the values it stands for."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from brokers.port import OrderType, Side, Validity
from gateway.money import number


@dataclass(frozen=True, slots=True)
class Security:
    """A line of a basket, prices in rupees; `quantity` and `side` are None where the user is to choose them."""

    ticker: str
    quantity: int | None = None
    side: Side | None = None
    order_type: OrderType = OrderType.MARKET
    validity: Validity = Validity.DAY
    price: Decimal | None = None
    trigger_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A security with nothing left open: what will be ordered."""

    security: Security
    quantity: int
    side: Side


def securities_of(order_config: Mapping[str, Any]) -> list[Security]:
    """The basket of a transaction, in the partner's order; empty where it has none."""
    return [_security(line) for line in order_config.get("securities", ())]


def line_of(security: Security) -> dict[str, Any]:
    """As the wire spells it; what was left to defaults or to the user is left out."""
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
