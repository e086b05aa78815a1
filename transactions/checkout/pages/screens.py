"""The screens' doors. One URL shows where the user is; every form goes to its own and comes back there.

The session's URL is the only credential: there is no cookie, so that a frame in another site's page works, and so
there is nothing for a forged form to ride on. The login changes it (transactions.checkout.browser_binding).
"""

import logging
from contextlib import suppress
from functools import cached_property
from hashlib import blake2b
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt

from gateway.api.rate_limits import RateLimited, spend
from gateway.partners import clock
from gateway.telemetry import metrics
from gateway.values.errors import Invalid, Unavailable
from gateway.values.ids import CLIENT_ID
from transactions.checkout import browser_binding, sessions
from transactions.checkout.broker_login import PinRefused
from transactions.checkout.browser_binding import LoginWindow
from transactions.checkout.pages import confirmation, pin_limits, steps
from transactions.checkout.pages.error_pages import lost, told
from transactions.checkout.pages.frame import Screen
from transactions.checkout.pages.screen_policy import guard, is_foreign
from transactions.checkout.serializers import DIGEST
from transactions.domain.checkout_modes import Mode, Reason
from transactions.domain.statuses import TransactionStatus
from transactions.execution.mark_complete import NotUnfinished, close_instead, mark_complete
from transactions.lifecycle.transitions import ActionRequired, SdkError
from transactions.models import Batch
from transactions.queries import selectors
from transactions.sandbox.sandbox_accounts import CONNECTED, FORGIVING_PIN

LONGEST_PIN: Final = 64
NAMES_OF_OURS: Final = frozenset({"transactionId", "resultCode"})
REFUSALS: Final[dict[type[Exception], str]] = {
    RateLimited: "error.pins-later",
    PinRefused: "error.pin",
    Unavailable: "error.broker-silent",
    Invalid: "error.forced-code",
}
log = logging.getLogger(__name__)


class SeeOther(HttpResponseRedirect):
    """After a form: a reload asks for the page again, not for the act."""

    status_code = 303


@method_decorator([csrf_exempt, xframe_options_exempt], name="dispatch")
class CheckoutView(View):
    """`there` is the session, and the moment by its gateway's clock."""

    there: Screen

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return self._answer(request, *args, **kwargs)
        except (OperationalError, InterfaceError) as error:
            log.error("The database is not to be had: %s", error)
            return guard(self.refusal(request, "trouble", 503))

    def _answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        token = kwargs["token"]
        session = selectors.session_at(browser_binding.digest(token))
        if session is None or is_foreign(request):
            return guard(lost())
        self.there = Screen(session, token, clock.now(session.transaction.gateway))
        if not browser_binding.is_kept(session, now=self.there.now):
            return guard(lost())
        return guard(self._counted(request, token) or self._at_its_url(request, *args, **kwargs), session)

    def _at_its_url(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if browser_binding.is_outside(self.there.session, kwargs["token"]):
            return self.outside(request)
        return super().dispatch(request, *args, **kwargs)  # type: ignore[return-value]

    def outside(self, request: HttpRequest) -> HttpResponse:
        """At the URL that was good until the login: nothing of the session is shown, and nothing is done."""
        return told(request, "bound", 200 if request.method in {"GET", "HEAD"} else 403)

    def _counted(self, request: HttpRequest, token: str) -> HttpResponse | None:
        """A page where this URL was asked for too often; at another, the same checkout is not kept waiting."""
        budget = spend(settings.RATE_LIMIT_CHECKOUT, f"checkout {browser_binding.digest(token)}", now=clock.wall())
        if budget is None or not budget.is_overdrawn:
            return None
        metrics.rate_limited(scope="checkout")
        page = self.refusal(request, "busy", 429)
        page["Retry-After"] = str(budget.reset)
        return page

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        page = told(request, "refused", 405)
        page["Allow"] = ", ".join(name.upper() for name in self.http_method_names if hasattr(self, name))
        return page

    def refusal(self, request: HttpRequest, what: str, status: int) -> HttpResponse:
        """Asks no database."""
        return told(request, what, status)

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Where a form goes to there is nothing to see."""
        return self.back()

    def back(self) -> HttpResponse:
        return SeeOther(self.there.home)


class Show(CheckoutView):
    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return steps.current(self.there, search=request.GET.get("q", "")[:40])


class ChooseBroker(CheckoutView):
    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        with suppress(Invalid, sessions.NotThisStep):  # from a page out of date: what is shown next is not
            sessions.choose_broker(session=self.there.session, broker=request.POST.get("broker", ""))
        return self.back()


class FindNoBroker(CheckoutView):
    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        with suppress(sessions.NotThisStep):
            sessions.find_no_broker(session=self.there.session)
        return self.back()


class LogIn(CheckoutView):
    """The only door that names the URL from the login on, and only to the form that the login was made with."""

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        session = self.there.session
        if not session.broker or session.transaction.status != TransactionStatus.INITIALIZED:
            return self.back()  # from a page out of date: what is shown next is not
        client_id, pin = self._typed(request)
        error = self._log_in(client_id, pin)
        session.refresh_from_db(fields=["login_token_digest"])  # a copy of this form may have logged in meanwhile
        if session.login_token_digest is not None:
            return self.outside(request)
        return steps.login(self.there, client_id=client_id, error=error) if error else self.back()

    def refusal(self, request: HttpRequest, what: str, status: int) -> HttpResponse:
        """Offers the same form again: the login may have succeeded before the database failed."""
        return told(request, what, status, nonce=request.POST.get("nonce", ""))

    def outside(self, request: HttpRequest) -> HttpResponse:
        """The form that logged in may be sent again, or its answer may have been lost: it is led on all the same."""
        if request.method != "POST" or browser_binding.is_outside(self.there.session, self.window.token):
            return super().outside(request)
        return SeeOther(reverse("checkout", kwargs={"token": self.window.token}))

    @cached_property
    def window(self) -> LoginWindow:
        """A form without a nonce of ours gets a URL that no other form is led to."""
        sent = self.request.POST.get("nonce", "")
        nonce = sent if DIGEST.fullmatch(sent) else browser_binding.new_token()
        session = self.there.session
        return LoginWindow(session.pk, browser_binding.login_token(session, nonce), pin_limits.network_of(self.request))

    def _log_in(self, client_id: str, pin: str) -> str:
        """The name of the error that the login page shows; "" where another screen comes next."""
        if not CLIENT_ID.fullmatch(client_id) or not 0 < len(pin) <= LONGEST_PIN:
            return "error.login-empty"
        session = self.there.session
        try:
            with pin_limits.counted(self.request, session, client_id):
                sessions.enter(session=session, client_id=client_id, pin=pin, now=self.there.now, window=self.window)
        except tuple(REFUSALS) as refusal:
            return next(text for kind, text in REFUSALS.items() if isinstance(refusal, kind))
        except (SdkError, ActionRequired, sessions.LockedOut, sessions.NotThisStep):
            pass  # all of them have a screen of their own
        return ""

    def _typed(self, request: HttpRequest) -> tuple[str, str]:
        """A test account is one click: on test gateways a button stands for client id and PIN."""
        transaction = self.there.session.transaction
        chosen = request.POST.get("account", "")
        if chosen and transaction.gateway.is_test:
            known = transaction.account.client_id if chosen == CONNECTED and transaction.account else chosen
            return known, FORGIVING_PIN
        return request.POST.get("client_id", "").strip()[:LONGEST_PIN], request.POST.get("pin", "")


class Confirm(CheckoutView):
    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        session = self.there.session
        if session.is_replaced or session.transaction.status != TransactionStatus.USED:
            return self.back()
        return confirmation.taken(self.there, request.POST) or self.back()


class MarkComplete(CheckoutView):
    """Of a FIX the order before it; of an order that ended short, that one."""

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        session, now = self.there.session, self.there.now
        if session.is_replaced:
            return self.back()
        try:
            if session.transaction.status == TransactionStatus.USED:
                close_instead(transaction=session.transaction, now=now)
            for batch in Batch.objects.filter(transaction=session.transaction, iscid__isnull=False):
                mark_complete(batch=batch, now=now)
        except (NotUnfinished, SdkError):
            pass  # it was marked, or its transaction ended, before: the page shows which
        return self.back()


class Status(CheckoutView):
    """The part of the status page that changes, alone; 304 when it has not."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        fragment = steps.status_fragment(self.there)
        if fragment is None:
            return HttpResponse(status=205)  # this is no status page any more: load the page anew
        tag = f'"{blake2b(fragment.content, digest_size=12).hexdigest()}"'
        known = request.headers.get("If-None-Match") == tag
        response = HttpResponseNotModified() if known else fragment
        response["ETag"] = tag
        return response


class Leave(CheckoutView):
    """The way back to the partner: ends what was not confirmed."""

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        session = self.there.session
        given = request.POST.get("reason", "")
        reason = Reason(given) if given in set(Reason) else Reason.CLOSED
        sessions.leave(session=session, reason=reason, now=self.there.now)
        sessions.notice_expiry(session=session, now=self.there.now)
        if session.mode == Mode.REDIRECT and not session.is_replaced:
            return SeeOther(_returning(session.redirect_url, self.there.carried_back))
        return steps.left(self.there)


def _returning(url: str, carried: dict[str, str]) -> str:
    """The partner's page with what we carry back in its query, and nothing else of ours."""
    parts = urlsplit(url)
    query = [
        (name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in NAMES_OF_OURS
    ]
    return urlunsplit(parts._replace(query=urlencode([*query, *carried.items()])))
