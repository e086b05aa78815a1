"""Consents that place no order: SIP set-up, holdings import, funds."""

from datetime import datetime
from typing import Any

from django.db.transaction import atomic

from brokers.ports.broker import Holding
from brokers.user_questions import ask_broker
from gateway.values.errors import Invalid
from gateway.values.money import wire_amount, wire_price
from smallcases.portfolio.investments import investment_of
from smallcases.sips.sip_changes import SipRequest, set_up, sip_action
from transactions.api import payloads
from transactions.domain.intents import Intent
from transactions.domain.sdk_codes import SdkCode
from transactions.lifecycle.transitions import account_of, announce, claim, complete_now, fail
from transactions.models import HoldingsSnapshot, Transaction
from webhooks.events.event_types import EventType


def complete_consent(*, transaction: Transaction, sip: SipRequest | None, now: datetime) -> None:
    """USED becomes COMPLETED in one database transaction, after the broker's answer.

    Raises BrokerSilent, LoginRequired, Invalid.
    """
    if transaction.intent == Intent.SIP_SETUP:
        _set_up_sip(transaction, sip, now)
    elif transaction.intent == Intent.FETCH_FUNDS:
        _fetch_funds(transaction, now)
    else:
        _import_holdings(transaction, now)


def _set_up_sip(transaction: Transaction, sip_request: SipRequest | None, now: datetime) -> None:
    if sip_request is None:
        raise Invalid("sip: give amount, frequency and scheduledDate, or end.")
    investment = investment_of(account_of(transaction), transaction.order_config["iscid"])
    if investment is None or investment.exited_at is not None:
        fail(transaction, SdkCode.NO_ORDER, now=now)
    with atomic(durable=True):
        claim(transaction, now=now)
        sip = set_up(investment=investment, sip_request=sip_request, now=now)
        details = sip and sip_action(sip) | {"sipType": "manual", "sipActive": sip.is_active}
        complete_now(transaction, now=now, outcome={"sipDetails": details})


def _fetch_funds(transaction: Transaction, now: datetime) -> None:
    account = account_of(transaction)
    funds = ask_broker(account, lambda broker, session: broker.funds(session, now=now), now=now)
    with atomic(durable=True):
        claim(transaction, now=now)
        complete_now(transaction, now=now, outcome={"funds": wire_amount(funds)})


def _import_holdings(transaction: Transaction, now: datetime) -> None:
    account = account_of(transaction)
    held = ask_broker(account, lambda broker, session: broker.holdings(session, now=now), now=now)
    with atomic(durable=True):
        claim(transaction, now=now)
        lines = [_security(one) for one in held]
        HoldingsSnapshot.objects.update_or_create(account=account, defaults={"securities": lines, "taken_at": now})
        complete_now(transaction, now=now)
        announce(transaction, EventType.HOLDINGS_IMPORTED, payloads.holdings_imported(transaction), now=now)


def _security(held: Holding) -> dict[str, Any]:
    """For the snapshot. `today`: what was bought today; `sellable`: shares."""
    return {
        "ticker": held.ticker,
        "shares": held.quantity,
        "averagePrice": wire_price(held.average_price),
        "today": {"quantity": held.today, "averagePrice": wire_price(held.today_price) or 0},
        "sellable": held.quantity - held.locked,
    }
