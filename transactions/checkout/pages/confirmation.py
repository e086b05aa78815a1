"""The confirmation screen of an order: the form, the quote, and the signature of the quote shown to the user."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.core import signing

from brokers.ports.registry import profile_of
from gateway.values.errors import GatewayError, Invalid, Unavailable
from smallcases.planner import BelowMinimum
from transactions.checkout.confirm import QuoteExpired, UserSelections
from transactions.checkout.order_quote import OrderQuote, QuoteRequest, quote_orders, quote_request_of
from transactions.checkout.pages.forms import Picked, added_names, picked
from transactions.domain.price_protection import PRICE_TOLERANCE, QuotedOrder
from transactions.domain.smallcase_order import NOT_AFTER_MARKET, OrderKind
from transactions.lifecycle.claim import account_of
from transactions.models import CheckoutSession
from transactions.queries.open_orders import last_batches

SALT: Final = "transactions.checkout.shown"
SHOWN_FOR: Final = 3600  # seconds; longer than any transaction lives


@dataclass(slots=True)
class Confirmation:
    """`quote` is None until the selections are complete. `problems` are sentences, `notices` names of texts.

    `before` has the prices that the user saw, for names whose price has moved since.
    """

    of: QuoteRequest
    form: Picked
    quote: OrderQuote | None = None
    problems: Sequence[str] = ()
    notices: list[str] = field(default_factory=list)
    before: Mapping[str, Decimal] = field(default_factory=dict)
    below_minimum: bool = False

    @property
    def kind(self) -> str:
        return self.of.order_request.kind.value if self.of.order_request else "SECURITIES"


def look(*, session: CheckoutSession, data: Mapping[str, Any] | None, now: datetime) -> Confirmation:
    """The screen for the typed values; `data` None is the first display. Raises NoOrder or NotFound."""
    transaction = session.transaction
    of = quote_request_of(transaction=transaction, also=added_names(data), now=now)
    seen = Confirmation(of, picked(of, data))
    if seen.form.errors:
        return seen
    selections = UserSelections(securities=seen.form.securities, smallcase=seen.form.smallcase, amo=session.amo)
    try:
        seen.quote = quote_orders(of=of, transaction=transaction, selections=selections, now=now)
    except BelowMinimum:
        seen.below_minimum = True
    except Invalid as wrong:
        # On the first display the user has typed nothing, so no problem is shown.
        seen.problems = wrong.sentences if data is not None else ()
    if seen.quote is not None and not seen.quote.rows and seen.kind != OrderKind.REBALANCE:
        seen.quote, seen.below_minimum = None, seen.kind in {OrderKind.INVESTMORE, OrderKind.SIP}
    return seen


def signed_quote(session: CheckoutSession, seen: Confirmation) -> str:
    """The quote, signed, for the form to send back. Another tab of the session may show another quote."""
    if seen.quote is None:
        return ""
    quoted = {"session": session.pk, "key": seen.form.key, **seen.quote.quoted.as_json()}
    return signing.dumps(quoted, salt=SALT, compress=True)


def verified_quote(session: CheckoutSession, text: str, *, key: str) -> QuotedOrder | None:
    """The quote that the form sent back; None if its signature, session or selections differ."""
    try:
        quoted = signing.loads(text, salt=SALT, max_age=SHOWN_FOR)
    except signing.BadSignature:
        return None
    return QuotedOrder.of_json(quoted) if (quoted["session"], quoted["key"]) == (session.pk, key) else None


def template_context(session: CheckoutSession, seen: Confirmation) -> dict[str, Any]:
    transaction = session.transaction
    account = account_of(transaction)
    total = seen.quote and (seen.quote.buys - seen.quote.sells + seen.quote.charges)
    return {
        "seen": seen,
        "of": seen.of,
        "quote": seen.quote,
        "typed": seen.form.typed,
        "errors": seen.form.errors,
        "signed_quote": signed_quote(session, seen),
        "broker": profile_of(account.broker),
        "band": f"{PRICE_TOLERANCE * 100:f}".rstrip("0").rstrip("."),
        "net": total,
        "is_fix": seen.kind == OrderKind.FIX,
        "last": _last(seen),
        "held_rows": _held(seen),
        "moved": [(ticker, price, seen.of.prices.get(ticker)) for ticker, price in seen.before.items()],
        "waits": seen.quote is not None and not seen.quote.is_open and seen.kind not in NOT_AFTER_MARKET,
        "open_basket": [s for s in seen.of.basket if s.quantity is None or s.side is None],
    }


def refused(seen: Confirmation, refusal: GatewayError, quoted: QuotedOrder | None) -> None:
    """Adds the reason for the refusal to the screen."""
    if isinstance(refusal, QuoteExpired) and quoted:
        seen.before = {ticker: quoted.prices[ticker] for ticker in refusal.moved}
        seen.notices.append("notice.moved" if refusal.moved else "notice.changed")
    elif isinstance(refusal, Unavailable):
        seen.notices.append("notice.broker-silent")
    else:
        seen.problems = refusal.sentences


def _last(seen: Confirmation) -> Any:
    order_request = seen.of.order_request
    return (
        last_batches([order_request.iscid]).get(order_request.iscid)
        if order_request and order_request.kind is OrderKind.FIX
        else None
    )


def _held(seen: Confirmation) -> list[dict[str, Any]]:
    """The rows of the MANAGE form."""
    shares = seen.form.smallcase.shares
    if shares is None or seen.kind != OrderKind.MANAGE:
        return []
    return [
        {
            "ticker": ticker,
            "name": seen.of.names.get(ticker, ticker),
            "price": seen.of.prices.get(ticker),
            "held": seen.of.held.get(ticker, 0),
            "typed": seen.form.typed.get(f"shares-{ticker}", str(count)),
            "error": seen.form.errors.get(f"shares-{ticker}"),
        }
        for ticker, count in shares.items()
    ]
