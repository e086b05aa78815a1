"""An order of a smallcase: converts between the stored `order_config`, with the wire's keys, and values. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from gateway.values.money import number


class OrderKind(StrEnum):
    BUY = "BUY"
    INVESTMORE = "INVESTMORE"
    FIX = "FIX"
    REBALANCE = "REBALANCE"
    SIP = "SIP"
    MANAGE = "MANAGE"
    EXIT = "EXIT"


# smallcase Gateway's older name.
ALIASES: Final = {"REPAIR": OrderKind.FIX}
# These kinds cannot be placed as AMO: their buys depend on their sells, or on the user's own choice of shares.
NOT_AFTER_MARKET: Final = frozenset({OrderKind.REBALANCE, OrderKind.MANAGE})
KINDS: Final = frozenset({*OrderKind, *ALIASES})


@dataclass(frozen=True, slots=True)
class SmallcaseSelections:
    """The selections of partner or user: rupees to invest, shares by name, how much to sell. None: not selected."""

    amount: Decimal | None = None
    shares: Mapping[str, int] | None = None
    exit_percent: int | None = None
    exit_amount: Decimal | None = None

    def over(self, user: "SmallcaseSelections") -> "SmallcaseSelections":
        """The partner's selections, completed by the user's for values that the partner left open."""
        exits = self if self.exit_percent or self.exit_amount else user
        return SmallcaseSelections(
            amount=self.amount or user.amount,
            shares=self.shares or user.shares,
            exit_percent=exits.exit_percent,
            exit_amount=exits.exit_amount,
        )


NOTHING_SELECTED: Final = SmallcaseSelections()


@dataclass(frozen=True, slots=True)
class SmallcaseOrderRequest:
    kind: OrderKind
    scid: str = ""
    iscid: str = ""
    selections: SmallcaseSelections = NOTHING_SELECTED


def kind_of(text: str) -> OrderKind:
    return ALIASES.get(text) or OrderKind(text)


def order_request_of(order_config: Mapping[str, Any]) -> SmallcaseOrderRequest | None:
    """None for a basket of securities, or without an order."""
    if order_config.get("type") not in KINDS:
        return None
    return SmallcaseOrderRequest(
        kind=kind_of(order_config["type"]),
        scid=order_config.get("scid", ""),
        iscid=order_config.get("iscid", ""),
        selections=selections_of(order_config),
    )


def selections_of(line: Mapping[str, Any]) -> SmallcaseSelections:
    constituents, leave = line.get("constituents"), line.get("exit") or {}
    return SmallcaseSelections(
        amount=_rupees(line.get("amount")),
        shares={c["ticker"]: c["shares"] for c in constituents} if constituents else None,
        exit_percent=leave.get("percent"),
        exit_amount=_rupees(leave.get("amount")),
    )


def line_of_request(order_request: SmallcaseOrderRequest) -> dict[str, Any]:
    """The request with the wire's keys, without values that are not selected."""
    chosen = order_request.selections
    leave = {"percent": chosen.exit_percent, "amount": number(chosen.exit_amount)}
    line = {
        "type": order_request.kind.value,
        "scid": order_request.scid or None,
        "iscid": order_request.iscid or None,
        "amount": number(chosen.amount),
        "exit": {name: value for name, value in leave.items() if value is not None} or None,
        "constituents": [{"ticker": ticker, "shares": n} for ticker, n in (chosen.shares or {}).items()] or None,
    }
    return {name: value for name, value in line.items() if value is not None}


def _rupees(amount: float | int | Decimal | None) -> Decimal | None:
    return None if amount is None else Decimal(str(amount))
