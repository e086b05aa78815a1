"""An order on a smallcase: the wire's shape, kept in `order_config`, and the values it stands for."""

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


# Gateway's older name; and what cannot wait for the market to open, because it sells to buy or is one's own choice.
ALIASES: Final = {"REPAIR": OrderKind.FIX}
NOT_AFTER_MARKET: Final = frozenset({OrderKind.REBALANCE, OrderKind.MANAGE})
KINDS: Final = frozenset({*OrderKind, *ALIASES})


@dataclass(frozen=True, slots=True)
class SmallcaseSelections:
    """What the partner or the user selected: rupees to invest, shares of each name, how much to sell. None: open."""

    amount: Decimal | None = None
    shares: Mapping[str, int] | None = None
    exit_percent: int | None = None
    exit_amount: Decimal | None = None

    def over(self, user: "SmallcaseSelections") -> "SmallcaseSelections":
        """The partner's selections stand; the user's fill in what the partner left open."""
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
    """None for a basket of securities, or where nothing is ordered."""
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
    """As the wire spells it; what was not chosen is left out."""
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
