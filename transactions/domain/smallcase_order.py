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
class Choices:
    """What partner or user chose: rupees to invest, shares of each name, how much to sell. None: not chosen."""

    amount: Decimal | None = None
    shares: Mapping[str, int] | None = None
    exit_percent: int | None = None
    exit_amount: Decimal | None = None

    def over(self, user: "Choices") -> "Choices":
        """The partner's choices stand; what it left open the user has chosen."""
        exits = self if self.exit_percent or self.exit_amount else user
        return Choices(
            amount=self.amount or user.amount,
            shares=self.shares or user.shares,
            exit_percent=exits.exit_percent,
            exit_amount=exits.exit_amount,
        )


NOTHING_CHOSEN: Final = Choices()


@dataclass(frozen=True, slots=True)
class SmallcaseWish:
    kind: OrderKind
    scid: str = ""
    iscid: str = ""
    choices: Choices = NOTHING_CHOSEN


def kind_of(text: str) -> OrderKind:
    return ALIASES.get(text) or OrderKind(text)


def wish_of(order_config: Mapping[str, Any]) -> SmallcaseWish | None:
    """None for a basket of securities, or where nothing is ordered."""
    if order_config.get("type") not in KINDS:
        return None
    return SmallcaseWish(
        kind=kind_of(order_config["type"]),
        scid=order_config.get("scid", ""),
        iscid=order_config.get("iscid", ""),
        choices=choices_of(order_config),
    )


def choices_of(line: Mapping[str, Any]) -> Choices:
    constituents, leave = line.get("constituents"), line.get("exit") or {}
    return Choices(
        amount=_rupees(line.get("amount")),
        shares={c["ticker"]: c["shares"] for c in constituents} if constituents else None,
        exit_percent=leave.get("percent"),
        exit_amount=_rupees(leave.get("amount")),
    )


def line_of_wish(wish: SmallcaseWish) -> dict[str, Any]:
    """As the wire spells it; what was not chosen is left out."""
    chosen = wish.choices
    leave = {"percent": chosen.exit_percent, "amount": number(chosen.exit_amount)}
    line = {
        "type": wish.kind.value,
        "scid": wish.scid or None,
        "iscid": wish.iscid or None,
        "amount": number(chosen.amount),
        "exit": {name: value for name, value in leave.items() if value is not None} or None,
        "constituents": [{"ticker": ticker, "shares": n} for ticker, n in (chosen.shares or {}).items()] or None,
    }
    return {name: value for name, value in line.items() if value is not None}


def _rupees(amount: float | int | Decimal | None) -> Decimal | None:
    return None if amount is None else Decimal(str(amount))
