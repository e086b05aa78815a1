"""Returns the outcome of a checkout; the result needs both secrets.

Without both, a response has only `open`, `done` or the error's code. With both, and when the result is final (an
error, or a response whose orders have reached the broker), it has the result and uses the result code up. Earlier
responses use nothing up, so a page may ask as often as it likes.

If the response is lost, the same request with the same Idempotency-Key gets it again (scdk.js sends one), unless the
process died or the database failed before the response was stored. Then, and without the key, the page gets `done` or
the code, and the partner's server reads the rest from the transaction details.
"""

from datetime import datetime

from transactions.checkout import browser_binding, payloads, sessions
from transactions.checkout.payloads import Wire
from transactions.models import CheckoutSession
from transactions.queries import selectors


def outcome_for(session: CheckoutSession, *, verifier: str, code: str, left: bool, now: datetime) -> Wire:
    """The outcome's body. `left`: the window is closed; if the opener says so, a session without a login ends."""
    is_opener = browser_binding.is_opener(session, verifier)
    if left and is_opener:
        sessions.leave_before_login(session=session, now=now)
    sessions.notice_expiry(session=session, now=now)
    outcome = payloads.outcome(session, selectors.orders_of(session.transaction), now)
    if left and outcome["state"] == "open":
        outcome = payloads.walked_away(session, outcome)
    has_both = is_opener and browser_binding.may_have_result(session, code, now=now)
    if has_both and payloads.is_final(outcome) and browser_binding.use_result_code(session):
        return outcome
    return payloads.without_result(outcome)
