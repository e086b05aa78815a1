"""The confirmation screen of an order: the form, the quote, and the signature of the quote shown to the user.

A submitted form places the order, or is shown again with the reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from django.core import signing

from brokers.ports.registry import profile_of
from brokers.user_questions import LoginRequired
from gateway.http.envelope import Page
from gateway.values.errors import Conflict, GatewayError, Invalid, Unavailable
from smallcases.planner import BelowMinimum, TooLittleToSell
from transactions.checkout.confirm import QuoteExpired, UserSelections, confirm
from transactions.checkout.order_quote import OrderQuote, QuoteRequest, quote_orders, quote_request_of
from transactions.checkout.pages import consent_screens
from transactions.checkout.pages.forms import Picked, added_names, picked
from transactions.checkout.pages.frame import Screen
from transactions.checkout.pages.left_out import notes_before
from transactions.checkout.pages.left_over import left_over, nothing_bought, requested_amount
from transactions.domain.intents import Intent
from transactions.domain.price_protection import PRICE_TOLERANCE, QuotedOrder
from transactions.domain.smallcase_order import NOT_AFTER_MARKET, OrderKind, SmallcaseSelections
from transactions.lifecycle.plan_orders import NothingTradable
from transactions.lifecycle.transitions import ActionRequired, SdkError
from transactions.models import CheckoutSession
from transactions.queries.order_context import OrderContext, order_context

PLACE: Final = "confirm"
SALT: Final = "transactions.checkout.shown"
SHOWN_FOR: Final = 3600  # seconds; longer than any transaction lives


@dataclass(slots=True)
class Confirmation:
    """`quote` is None until the selections are complete. `problems` are sentences, `notices` names of texts.

    `before` has the prices that the user saw, for names whose price has moved since.
    """

    context: OrderContext
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

    @property
    def chosen(self) -> SmallcaseSelections:
        """The partner's selections, completed by the user's."""
        own = self.form.smallcase
        return self.of.order_request.selections.over(own) if self.of.order_request else own

    @property
    def asked(self) -> Decimal | None:
        """Rupees to invest or to sell."""
        return requested_amount(self.of, self.chosen, self.context.investment)

    @property
    def left_over(self) -> str:
        return left_over(self.of, self.chosen, self.quote, self.asked) if self.quote else ""


def taken(there: Screen, data: Mapping[str, Any]) -> Page | None:
    """None if the order is placed or the transaction has ended; otherwise the screen to show. Raises LoginRequired."""
    session = there.session
    if session.transaction.intent != Intent.TRANSACTION:
        return consent_screens.taken(there, data)
    context = order_context(session.transaction, now=there.now)
    if not context.is_live:
        return _placed(there, context, UserSelections(amo=session.amo), None)
    seen = look(context, session=session, data=data)
    if data.get("action") != PLACE or seen.form.errors or seen.quote is None:
        return screen(there, seen)
    shown = verified_quote(session, str(data.get("shown", "")), key=seen.form.key)
    if shown is None:
        seen.notices.append("notice.updated")
        return screen(there, seen)
    if seen.quote.lacks_funds and not data.get("anyway"):
        seen.notices.append("notice.funds")
        return screen(there, seen)
    chosen = UserSelections(
        securities=seen.form.securities, smallcase=seen.form.smallcase, amo=session.amo, quoted=shown
    )
    return _placed(there, context, chosen, seen)


def _placed(there: Screen, context: OrderContext, selections: UserSelections, seen: Confirmation | None) -> Page | None:
    try:
        confirm(transaction=context.transaction, selections=selections, now=there.now, context=context)
    except (SdkError, ActionRequired):
        return None
    except LoginRequired:
        raise
    except (QuoteExpired, Invalid, Unavailable, Conflict) as refusal:
        if seen is None:
            return None
        _refused(seen, refusal, selections.quoted)
        return screen(there, seen)
    return None


def look(context: OrderContext, *, session: CheckoutSession, data: Mapping[str, Any] | None) -> Confirmation:
    """The screen for the typed values; `data` None is the first display. The context must be live.

    Raises LoginRequired.
    """
    of = quote_request_of(context, also=added_names(data))
    seen = Confirmation(context, of, picked(of, data))
    if seen.form.errors:
        return seen
    selections = UserSelections(securities=seen.form.securities, smallcase=seen.form.smallcase, amo=session.amo)
    try:
        seen.quote = quote_orders(context, of=of, selections=selections)
    except BelowMinimum as low:
        seen.below_minimum = True
        seen.problems = () if "amount" in seen.form.typed else low.sentences  # beside the field, where there is one
    except (NothingTradable, TooLittleToSell) as wrong:
        seen.problems = wrong.sentences
    except Invalid as wrong:
        # On the first display the user has typed nothing, so no problem is shown.
        seen.problems = wrong.sentences if data is not None else ()
    if seen.quote is not None and not seen.quote.rows and seen.kind != OrderKind.REBALANCE:
        seen.quote = None
        seen.problems = (nothing_bought(seen.asked),) if seen.kind in {OrderKind.INVESTMORE, OrderKind.SIP} else ()
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


def screen(there: Screen, seen: Confirmation) -> Page:
    return there.page("confirm", step=3, **_template_context(there.session, seen))


def _template_context(session: CheckoutSession, seen: Confirmation) -> dict[str, Any]:
    total = seen.quote and (seen.quote.buys - seen.quote.sells + seen.quote.charges.total)
    return {
        "seen": seen,
        "of": seen.of,
        "quote": seen.quote,
        "typed": seen.form.typed,
        "errors": seen.form.errors,
        "signed_quote": signed_quote(session, seen),
        "broker": profile_of(seen.context.account.broker),
        "band": f"{PRICE_TOLERANCE * 100:f}".rstrip("0").rstrip("."),
        "net": total,
        "is_fix": seen.kind == OrderKind.FIX,
        "last": seen.context.last if seen.kind == OrderKind.FIX else None,
        "held_rows": _held(seen),
        "left_out": notes_before(seen.quote.left_out, seen.quote.quoted.passed_over) if seen.quote else (),
        "moved": [(ticker, price, seen.of.prices.get(ticker)) for ticker, price in seen.before.items()],
        "waits": seen.quote is not None and not seen.quote.is_open and seen.kind not in NOT_AFTER_MARKET,
        "open_basket": [s for s in seen.of.basket if s.quantity is None or s.side is None],
    }


def _refused(seen: Confirmation, refusal: GatewayError, quoted: QuotedOrder | None) -> None:
    """Adds the reason for the refusal to the screen."""
    if isinstance(refusal, QuoteExpired) and refusal.halted:
        seen.notices.append("notice.halted")
    elif isinstance(refusal, QuoteExpired) and quoted:
        seen.before = {ticker: quoted.prices[ticker] for ticker in refusal.moved}
        seen.notices.append("notice.moved" if refusal.moved else "notice.changed")
    elif isinstance(refusal, Unavailable):
        seen.notices.append("notice.broker-silent")
    else:
        seen.problems = refusal.sentences


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
