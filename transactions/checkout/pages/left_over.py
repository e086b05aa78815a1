"""The sentence on the confirmation that says how whole shares differ from the requested amount, and where the rest is.

Texts as in texts.py: a translation is another mapping with the same keys.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from gateway.values.money import rupees
from smallcases.models import Investment
from transactions.checkout.order_quote import OrderQuote, QuoteRequest
from transactions.checkout.pages import indian_formats
from transactions.domain.smallcase_order import OrderKind, SmallcaseSelections

BUYS: Final = frozenset({OrderKind.BUY, OrderKind.INVESTMORE, OrderKind.SIP})
ENGLISH: Final[Mapping[str, str]] = {
    "buy": "You asked for {asked}; whole shares make {made}, and {left} stay in your account: another share would cost "
    "more or take a name above its weight.",
    "buy-less-than-a-share": "You asked for {asked}; whole shares make {made}, and {left} stay in your account: less "
    "than the cheapest share.",
    "buy-nothing": "{asked} buys no share: each name that is below its weight costs more.",
    "exit": "You asked for {asked}; whole shares make {made}.",
    "exit-percent": "You asked for {percent}% of {value}, which is {asked}; whole shares make {made}.",
}


def requested_amount(of: QuoteRequest, chosen: SmallcaseSelections, investment: Investment | None) -> Decimal | None:
    """Rupees to invest or to sell; None for an order that is not of an amount. `chosen` as planned."""
    kind = of.order_request.kind if of.order_request else None
    if kind is OrderKind.SIP and investment:
        return investment.sip.amount
    if kind in BUYS:
        return chosen.amount
    if kind is OrderKind.EXIT and chosen.exit_amount is not None:
        return chosen.exit_amount
    if kind is OrderKind.EXIT and chosen.exit_percent not in {None, 100}:
        return rupees(_value(of) * (chosen.exit_percent or 0) / 100)
    return None


def left_over(of: QuoteRequest, chosen: SmallcaseSelections, quote: OrderQuote, asked: Decimal | None) -> str:
    """Empty if the orders make exactly the requested amount. `asked` as of requested_amount."""
    made = quote.buys or quote.sells
    if asked is None or asked == made:
        return ""
    values = {"asked": asked, "made": made, "left": asked - made, "value": _value(of)}
    name = _name(of, chosen, quote, asked)
    shown = {key: indian_formats.rupees(amount) for key, amount in values.items()}
    return ENGLISH[name].format(percent=chosen.exit_percent, **shown)


def nothing_bought(asked: Decimal | None) -> str:
    return ENGLISH["buy-nothing"].format(asked=indian_formats.rupees(asked or Decimal(0)))


def _name(of: QuoteRequest, chosen: SmallcaseSelections, quote: OrderQuote, asked: Decimal) -> str:
    if not quote.buys:
        return "exit-percent" if chosen.exit_amount is None else "exit"
    return "buy-less-than-a-share" if asked - quote.buys < min(map(of.prices.__getitem__, of.weights)) else "buy"


def _value(of: QuoteRequest) -> Decimal:
    return sum((of.prices[ticker] * shares for ticker, shares in of.held.items() if ticker in of.prices), Decimal(0))
