"""Returns the outcome of a checkout; the result needs both secrets.

Without both, an answer says `open`, `done` or the error's code. With both, and once the result is final (an error, or
a response whose orders have reached the broker), it carries the result, and that very answer uses the result code up.
Answers before that carry nothing and use nothing up, so a page may ask as often as it likes.

If that answer is lost, the same request with the same Idempotency-Key gets it again (scdk.js sends one), provided that
the gateway had stored it: a process that dies between the two, or a database that fails, loses it. Then, and without
the key, the page learns `done` or the code, and the partner's server reads the rest from the transaction details.
"""

from datetime import datetime

from transactions.checkout import browser_binding, payloads, sessions
from transactions.checkout.payloads import Wire
from transactions.models import CheckoutSession
from transactions.queries import selectors


def outcome_for(session: CheckoutSession, *, verifier: str, code: str, left: bool, now: datetime) -> Wire:
    """`left`: the window is gone. What nobody has logged in to ends with that, if the opener says so."""
    is_opener = browser_binding.is_opener(session, verifier)
    if left and is_opener:
        sessions.leave_before_login(session=session, now=now)
    sessions.notice_expiry(session=session, now=now)
    told = payloads.outcome(session, selectors.orders_of(session.transaction), now)
    if left and told["state"] == "open":
        told = payloads.walked_away(session, told)
    has_both = is_opener and browser_binding.may_have_result(session, code, now=now)
    if has_both and payloads.is_final(told) and browser_binding.use_result_code(session):
        return told
    return payloads.without_result(told)
