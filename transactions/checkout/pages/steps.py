"""Selects the user's screen from the database rows alone, so reloads, tabs and the back button agree."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from brokers.market.calendar import market_of
from brokers.market.hours import Market
from brokers.ports.registry import profile_of
from gateway.http.envelope import Page
from transactions.checkout import browser_binding, sessions
from transactions.checkout.pages import confirmation
from transactions.checkout.pages.consent_screens import consent_screen
from transactions.checkout.pages.frame import Screen
from transactions.checkout.pages.status_screen import progress_of
from transactions.domain.intents import Intent
from transactions.domain.sdk_codes import SdkCode
from transactions.domain.smallcase_order import order_request_of
from transactions.domain.statuses import TransactionStatus
from transactions.lifecycle.eligibility import amo_window
from transactions.lifecycle.transitions import expiry
from transactions.queries import selectors
from transactions.queries.order_context import order_context
from transactions.sandbox.sandbox_accounts import test_accounts

CONFIRMED: Final = frozenset({TransactionStatus.PROCESSING, TransactionStatus.COMPLETED})
ACTION_REQUIRED: Final = "action"
MARKET_CLOSED: Final = frozenset({str(code.value) for code in (SdkCode.MARKET_CLOSED, SdkCode.MARKET_CLOSED_SMALLCASE)})


def current(there: Screen, *, search: str = "", typed: Mapping[str, Any] | None = None) -> Page:
    """`typed`: the user's choices on the confirmation, from before another login. Raises LoginRequired."""
    session, transaction = there.session, there.session.transaction
    if session.is_replaced:
        return there.page("elsewhere")
    if transaction.status == TransactionStatus.ACTION_REQUIRED:
        return ended(there, ACTION_REQUIRED)
    if transaction.status == TransactionStatus.ERRORED:
        return ended(there, str(transaction.error_code))
    if transaction.status in CONFIRMED:
        return there.page("status", **_progress(there))
    if code := expiry(transaction, now=there.now):
        return ended(there, str(code.value))
    return _still_open(there, search, typed)


def _still_open(there: Screen, search: str, typed: Mapping[str, Any] | None) -> Page:
    session = there.session
    if session.transaction.status == TransactionStatus.USED:
        return confirm(there, typed)
    if session.broker:
        return login(there)
    return there.page("no_broker") if session.found_no_broker else chooser(there, search)


def chooser(there: Screen, search: str) -> Page:
    offered = sessions.choices_of_broker(there.session)
    wanted = search.strip().lower()
    found = [p for p in offered if wanted in p.name.lower() or wanted in p.key]
    return there.page("chooser", step=1, offered=offered, found=found, search=search.strip())


def login(there: Screen, *, client_id: str = "", error: str = "") -> Page:
    session = there.session
    return there.page(
        "login",
        step=2,
        broker=profile_of(session.broker),
        client_id=client_id,
        error=error,
        attempts_left=sessions.attempts_left(session),
        accounts=test_accounts(session),
        nonce=browser_binding.new_token(),
        is_connected=session.transaction.account_id is not None,
    )


def confirm(there: Screen, typed: Mapping[str, Any] | None = None) -> Page:
    if there.session.transaction.intent != Intent.TRANSACTION:
        return consent_screen(there)
    context = order_context(there.session.transaction, now=there.now)
    if not context.is_live:
        return ended(there, str(SdkCode.NO_ORDER.value))
    return confirmation.screen(there, confirmation.look(context, session=there.session, data=typed))


def ended(there: Screen, code: str) -> Page:
    """The screen of an ended transaction. If the market is closed: when it opens, and when the broker takes AMOs."""
    if code not in MARKET_CLOSED:
        return there.page("ended", code=code)
    market = market_of(there.session.transaction.gateway, now=there.now)
    opens_at, amo_at = market.next_open(there.now), _amo_from(there, market)
    if amo_at is not None and opens_at is not None and opens_at <= amo_at:
        amo_at = None
    broker = profile_of(there.session.broker) if there.session.broker else None
    return there.page("ended", code=code, is_market=True, opens_at=opens_at, amo_at=amo_at, broker=broker)


def _amo_from(there: Screen, market: Market) -> datetime | None:
    """None if the partner did not ask for AMOs, if the order cannot be one, and if it could be placed now."""
    transaction = there.session.transaction
    if not there.session.amo or transaction.account is None:
        return None
    window = amo_window(transaction.account, order_request_of(transaction.order_config))
    begins = market.amo_from(there.now, window) if window else there.now
    return begins if begins > there.now else None


def left(there: Screen) -> Page:
    return there.page("left")


def status_fragment(there: Screen) -> Page | None:
    """The changing part of the status page; None if the session has no status page."""
    is_confirmed = there.session.transaction.status in CONFIRMED
    return there.page("_progress", **_progress(there)) if is_confirmed and not there.session.is_replaced else None


def _progress(there: Screen) -> dict[str, Any]:
    session = there.session
    account = session.transaction.account
    progress = progress_of(session, selectors.orders_of(session.transaction), there.now)
    return {"progress": progress, "step": 4, "broker": profile_of(account.broker) if account else None}
