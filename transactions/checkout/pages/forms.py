"""Reads the confirmation screen's form as untrusted input: the selections, and the errors by field."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from typing import Any, Final

from brokers.ports.broker import Side
from gateway.values.ids import SYMBOL
from smallcases.sips.schedule import FREQUENCIES
from smallcases.sips.sip_changes import SipRequest
from transactions.checkout.order_quote import QuoteRequest
from transactions.checkout.pages import indian_formats
from transactions.domain.basket import MAX_QUANTITY, Security
from transactions.domain.smallcase_order import OrderKind, SmallcaseSelections

MOST: Final = Decimal("9999999999.99")
WITH_AMOUNT: Final = frozenset({OrderKind.BUY, OrderKind.INVESTMORE, OrderKind.REBALANCE})
NICE: Final = Decimal(100)
ROOM: Final = Decimal("1.01")
_NOISE: Final = re.compile(r"[\s,₹_]")


@dataclass(slots=True)
class Picked:
    """`typed` are the fields' values to show again; `errors` are names of texts by field."""

    typed: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    securities: dict[str, Security] = field(default_factory=dict)
    smallcase: SmallcaseSelections = field(default_factory=SmallcaseSelections)

    @property
    def key(self) -> str:
        """Equal for equal selections, however they were typed."""
        basket = [(ticker, s.quantity, s.side and s.side.value) for ticker, s in sorted(self.securities.items())]
        chosen = self.smallcase
        shares = sorted(chosen.shares.items()) if chosen.shares is not None else None
        return repr((basket, _plain(chosen.amount), shares, chosen.exit_percent, _plain(chosen.exit_amount)))


def picked(of: QuoteRequest, data: Mapping[str, Any] | None) -> Picked:
    """The selections in the form's `data`; None is the first display, with suggested values."""
    form = Picked()
    if of.order_request is None:
        _pick_securities(form, of, data)
    elif of.order_request.kind in WITH_AMOUNT and of.order_request.selections.amount is None:
        _pick_amount(form, of, data)
    elif of.order_request.kind is OrderKind.EXIT and not (
        of.order_request.selections.exit_percent or of.order_request.selections.exit_amount
    ):
        _pick_exit(form, data)
    elif of.order_request.kind is OrderKind.MANAGE and of.order_request.selections.shares is None:
        _pick_shares(form, of, data)
    return form


def added_names(data: Mapping[str, Any] | None) -> set[str]:
    """Tickers that a MANAGE form lists or adds."""
    if data is None:
        return set()
    named = {key.removeprefix("shares-") for key in data if key.startswith("shares-")}
    return {ticker for ticker in named | {_text(data, "add").upper()} if SYMBOL.fullmatch(ticker)}


def picked_sip(data: Mapping[str, Any], *, today: date, least: Decimal) -> tuple[SipRequest | None, Picked]:
    """`least`: the smallest amount in rupees."""
    form = Picked(typed={name: _text(data, name) for name in ("amount", "frequency", "starts_on")})
    amount = _rupees(form, "amount", form.typed["amount"])
    if amount is not None and amount < least:
        form.errors["amount"] = "error.minimum"
    if form.typed["frequency"] not in FREQUENCIES:
        form.errors["frequency"] = "error.frequency"
    try:
        starts_on = date.fromisoformat(form.typed["starts_on"])
    except ValueError:
        starts_on = date.min
    if starts_on < today:
        form.errors["starts_on"] = "error.date"
    if amount is None or form.errors:
        return None, form
    return SipRequest(amount=amount, frequency=form.typed["frequency"], starts_on=starts_on), form


def _pick_securities(form: Picked, of: QuoteRequest, data: Mapping[str, Any] | None) -> None:
    for security in of.basket:
        ticker = security.ticker
        quantity, side = security.quantity, security.side
        if quantity is None:
            typed = "1" if data is None else _text(data, f"quantity-{ticker}")
            quantity = _whole(form, f"quantity-{ticker}", typed, least=1)
        if side is None:
            side = _side(form, f"side-{ticker}", "" if data is None else _text(data, f"side-{ticker}"), data)
        if security.quantity is None or security.side is None:
            chosen = Security(ticker, None if security.quantity else quantity, None if security.side else side)
            form.securities[ticker] = chosen


def _pick_amount(form: Picked, of: QuoteRequest, data: Mapping[str, Any] | None) -> None:
    is_optional = of.order_request is not None and of.order_request.kind is OrderKind.REBALANCE
    typed = _text(data, "amount") if data is not None else "" if is_optional else _suggested(of)
    form.typed["amount"] = typed
    if typed or not is_optional:
        form.smallcase = SmallcaseSelections(amount=_rupees(form, "amount", typed))


def _suggested(of: QuoteRequest) -> str:
    """The minimum amount plus a margin for price changes, rounded up to the next hundred rupees."""
    hundreds = (ROOM * (of.minimum or NICE) / NICE).to_integral_value(ROUND_CEILING)
    return indian_formats.count(int(hundreds * NICE))


def _pick_exit(form: Picked, data: Mapping[str, Any] | None) -> None:
    how = "whole" if data is None else _text(data, "exit")
    percent, amount = ("", "") if data is None else (_text(data, "percent"), _text(data, "exit_amount"))
    form.typed |= {"exit": how, "percent": percent, "exit_amount": amount}
    if how == "percent":
        chosen = _whole(form, "percent", percent, least=1, most=100, error="error.percent")
        form.smallcase = SmallcaseSelections(exit_percent=chosen)
    elif how == "amount":
        form.smallcase = SmallcaseSelections(exit_amount=_rupees(form, "exit_amount", amount))
    else:
        form.typed["exit"] = "whole"
        form.smallcase = SmallcaseSelections(exit_percent=100)


def _pick_shares(form: Picked, of: QuoteRequest, data: Mapping[str, Any] | None) -> None:
    shares: dict[str, int] = {}
    for ticker in _editable(of, data):
        start = str(of.held.get(ticker, 0))
        chosen = _whole(form, f"shares-{ticker}", start if data is None else _text(data, f"shares-{ticker}"), least=0)
        shares[ticker] = chosen or 0
    added = "" if data is None else _text(data, "add").upper()
    if added and added not in of.prices:
        form.typed["add"], form.errors["add"] = added, "error.symbol"
    elif added and added not in shares:
        shares[added], form.typed[f"shares-{added}"] = 1, "1"
    form.smallcase = SmallcaseSelections(shares=shares)


def _editable(of: QuoteRequest, data: Mapping[str, Any] | None) -> Iterator[str]:
    yield from of.held
    for key in data or ():
        ticker = key.removeprefix("shares-")
        if key.startswith("shares-") and ticker not in of.held and ticker in of.prices:
            yield ticker


def _side(form: Picked, name: str, typed: str, data: Mapping[str, Any] | None) -> Side | None:
    form.typed[name] = typed
    if typed in set(Side):
        return Side(typed)
    form.errors |= {name: "error.side"} if data is not None else {}
    return None


def _whole(
    form: Picked, name: str, typed: str, *, least: int, most: int = MAX_QUANTITY, error: str = "error.whole"
) -> int | None:
    form.typed[name] = typed
    digits = _NOISE.sub("", typed)
    if digits.isascii() and digits.isdecimal() and len(digits) <= 9 and least <= int(digits) <= most:
        return int(digits)
    form.errors[name] = error
    return None


def _rupees(form: Picked, name: str, typed: str) -> Decimal | None:
    form.typed[name] = typed
    try:
        amount = Decimal(_NOISE.sub("", typed)).quantize(Decimal("0.01"))
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or not 0 < amount <= MOST:
        form.errors[name] = "error.amount"
        return None
    return amount


def _text(data: Mapping[str, Any], name: str) -> str:
    return str(data.get(name, "")).strip()[:40]


def _plain(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)
