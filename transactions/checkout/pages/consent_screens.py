"""The screens of intents without orders: consents, cancellations and SIP set-up."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from brokers.ports.broker import Variety
from brokers.ports.registry import profile_of
from gateway.http.envelope import Page
from gateway.values.errors import Invalid, Unavailable
from smallcases.models import Investment
from smallcases.portfolio.investments import investment_of
from smallcases.sips.schedule import FREQUENCIES, ist_day
from smallcases.sips.sip_changes import SipRequest, least_sip
from transactions.checkout.confirm import UserSelections, confirm
from transactions.checkout.pages.forms import Picked, picked_sip
from transactions.checkout.pages.frame import Screen
from transactions.domain.intents import CANCELLATIONS, Intent
from transactions.domain.statuses import OrderStatus
from transactions.lifecycle.transitions import SdkError, account_of
from transactions.models import Order, Transaction

END: Final = "end"


def consent_screen(there: Screen, *, form: Picked | None = None, problems: tuple[str, ...] = ()) -> Page:
    transaction = there.session.transaction
    broker = profile_of(account_of(transaction).broker)
    shown: dict[str, Any] = {"step": 3, "form": form or Picked(), "problems": problems, "broker": broker}
    if transaction.intent in CANCELLATIONS:
        return there.page("cancel", orders=_to_cancel(transaction), **shown)
    if transaction.intent == Intent.SIP_SETUP:
        return there.page("sip", **_sip(there, transaction), **shown)
    return there.page("consent", **shown)


def taken(there: Screen, data: Mapping[str, Any]) -> Page | None:
    """Confirms the consent. None if it is done or the transaction has ended; otherwise the screen with the problems."""
    transaction, form, sip = there.session.transaction, Picked(), None
    if transaction.intent == Intent.SIP_SETUP and data.get("action") == END:
        sip = SipRequest(end=True)
    elif transaction.intent == Intent.SIP_SETUP:
        sip, form = picked_sip(data, today=ist_day(there.now), least=_least(there, _investment(transaction)))
        if sip is None:
            return consent_screen(there, form=form)
    try:
        confirm(transaction=transaction, selections=UserSelections(sip=sip), now=there.now)
    except SdkError:
        return None
    except (Invalid, Unavailable) as refusal:
        return consent_screen(there, form=form, problems=tuple(refusal.sentences))
    return None


def _to_cancel(transaction: Transaction) -> list[Order]:
    """The open orders to cancel, for display; the service checks them again."""
    named = transaction.order_config
    mine = Order.objects.filter(batch__account=transaction.account, status=OrderStatus.PLACED).order_by("position")
    if transaction.intent == Intent.CANCEL_AMO:
        return list(mine.filter(batch__iscid=named["iscid"], batch__variety=Variety.AMO))
    return list(mine.filter(batch__batch_id=named["batchId"], ticker=named["ticker"]))


def _investment(transaction: Transaction) -> Investment | None:
    return investment_of(account_of(transaction), transaction.order_config["iscid"])


def _least(there: Screen, investment: Investment | None) -> Decimal:
    """Of an investment that is gone, the confirmation says so."""
    return least_sip(investment, now=there.now) if investment else Decimal(0)


def _sip(there: Screen, transaction: Transaction) -> dict[str, Any]:
    investment = _investment(transaction)
    sip = getattr(investment, "sip", None)
    return {
        "investment": investment,
        "least": _least(there, investment),
        "sip": sip if sip is not None and sip.is_active else None,
        "frequencies": FREQUENCIES,
        "today": ist_day(there.now).isoformat(),
    }
