"""Handles the confirmation form: places the order, or shows the form again with the reason."""

from collections.abc import Mapping
from typing import Any, Final

from gateway.http.envelope import Page
from gateway.values.errors import Conflict, Invalid, NotFound, Unavailable
from transactions.checkout.confirm import QuoteExpired, UserSelections, confirm
from transactions.checkout.pages import confirmation, consent_screens, steps
from transactions.checkout.pages.frame import Screen
from transactions.domain.intents import Intent
from transactions.lifecycle.eligibility import NoOrder
from transactions.lifecycle.fail import SdkError
from transactions.lifecycle.prechecks import ActionRequired

PLACE: Final = "confirm"


def taken(there: Screen, data: Mapping[str, Any]) -> Page | None:
    """None if the order is placed or the transaction has ended; otherwise the screen to show."""
    if there.session.transaction.intent != Intent.TRANSACTION:
        return consent_screens.taken(there, data)
    try:
        seen = confirmation.look(session=there.session, data=data, now=there.now)
    except (NoOrder, NotFound):
        return _placed(there, UserSelections(amo=there.session.amo), None)
    if data.get("action") != PLACE or seen.form.errors or seen.quote is None:
        return steps.confirm(there, seen)
    shown = confirmation.verified_quote(there.session, str(data.get("shown", "")), key=seen.form.key)
    if shown is None:
        seen.notices.append("notice.updated")
        return steps.confirm(there, seen)
    if seen.quote.lacks_funds and not data.get("anyway"):
        seen.notices.append("notice.funds")
        return steps.confirm(there, seen)
    chosen = UserSelections(
        securities=seen.form.securities, smallcase=seen.form.smallcase, amo=there.session.amo, quoted=shown
    )
    return _placed(there, chosen, seen)


def _placed(there: Screen, selections: UserSelections, seen: confirmation.Confirmation | None) -> Page | None:
    try:
        confirm(transaction=there.session.transaction, selections=selections, now=there.now)
    except (SdkError, ActionRequired):
        return None
    except (QuoteExpired, Invalid, Unavailable, Conflict) as refusal:
        if seen is None:
            return None
        confirmation.refused(seen, refusal, selections.quoted)
        return steps.confirm(there, seen)
    return None
