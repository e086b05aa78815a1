"""Views of the checkout's screens. One URL shows the current screen; each form posts to its own URL and returns.

The session's URL is the only credential. There is no cookie, so the checkout works in a frame on another site, and
cross-site request forgery has nothing to use. The login changes the URL (transactions.checkout.browser_binding).
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

from brokers.user_questions import LoginRequired
from gateway.api.rate_limits import RateLimited, spend
from gateway.partners import clock
from gateway.telemetry import metrics
from gateway.values.errors import Invalid, Unavailable
from gateway.values.ids import CLIENT_ID
from transactions.checkout import browser_binding, sessions
from transactions.checkout.broker_login import OtherAccount, PinRefused
from transactions.checkout.browser_binding import LoginWindow
from transactions.checkout.pages import confirmation, login_again, pin_limits, steps
from transactions.checkout.pages.error_pages import lost, message_page
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
    OtherAccount: "error.other-account",
    Unavailable: "error.broker-silent",
    Invalid: "error.forced-code",
}
log = logging.getLogger(__name__)


class SeeOther(HttpResponseRedirect):
    """Redirects after a form, so a reload does not send the form again.

    An address of an app has its own scheme. It was checked against the allowed origins when the session was opened.
    """

    status_code = 303

    def __init__(self, to: str) -> None:
        self.allowed_schemes = [*HttpResponseRedirect.allowed_schemes, urlsplit(to).scheme]
        super().__init__(to)


@method_decorator([csrf_exempt, xframe_options_exempt], name="dispatch")
class CheckoutView(View):
    """The base of the screens' views. `there` is the session at the gateway's current time."""

    there: Screen

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return self._answer(request, *args, **kwargs)
        except (OperationalError, InterfaceError) as error:
            log.error("The database is unavailable: %s", error)
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
        try:
            return super().dispatch(request, *args, **kwargs)  # type: ignore[return-value]
        except LoginRequired:
            return login_again.screen(self.there, choices=login_again.choices_in(request.POST or request.GET))

    def outside(self, request: HttpRequest) -> HttpResponse:
        """The response at the first URL after the login: shows nothing of the session and does nothing."""
        return message_page(request, "bound", 200 if request.method in {"GET", "HEAD"} else 403)

    def _counted(self, request: HttpRequest, token: str) -> HttpResponse | None:
        """A 429 page if this URL was requested too often. The limit is per URL, not per checkout."""
        budget = spend(settings.RATE_LIMIT_CHECKOUT, f"checkout {browser_binding.digest(token)}", now=clock.wall())
        if budget is None or not budget.is_overdrawn:
            return None
        metrics.rate_limited(scope="checkout")
        page = self.refusal(request, "busy", 429)
        page["Retry-After"] = str(budget.reset)
        return page

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        page = message_page(request, "refused", 405)
        page["Allow"] = ", ".join(name.upper() for name in self.http_method_names if hasattr(self, name))
        return page

    def refusal(self, request: HttpRequest, what: str, status: int) -> HttpResponse:
        """An error page that does not use the database."""
        return message_page(request, what, status)

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """The URL of a form has no page of its own."""
        return self.back()

    def back(self) -> HttpResponse:
        return SeeOther(self.there.home)


class Show(CheckoutView):
    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return steps.current(self.there, search=request.GET.get("q", "")[:40], typed=request.GET or None)


class ChooseBroker(CheckoutView):
    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        with suppress(Invalid, sessions.NotThisStep):  # the form came from an outdated page; show the current screen
            sessions.choose_broker(session=self.there.session, broker=request.POST.get("broker", ""))
        return self.back()


class FindNoBroker(CheckoutView):
    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        with suppress(sessions.NotThisStep):
            sessions.find_no_broker(session=self.there.session)
        return self.back()


class BrokerLoginForm(CheckoutView):
    """The base of the views of the two login forms."""

    def enter(self, client_id: str, pin: str) -> None:
        raise NotImplementedError

    def error_of(self, client_id: str, pin: str) -> str:
        """Logs in. The name of the login page's error text; "" if another screen is next."""
        if not CLIENT_ID.fullmatch(client_id) or not 0 < len(pin) <= LONGEST_PIN:
            return "error.login-empty"
        try:
            with pin_limits.counted(self.request, self.there.session, client_id):
                self.enter(client_id, pin)
        except tuple(REFUSALS) as refusal:
            return next(text for kind, text in REFUSALS.items() if isinstance(refusal, kind))
        except (SdkError, ActionRequired, sessions.LockedOut, sessions.NotThisStep):
            pass  # each has its own screen
        return ""

    def typed(self, request: HttpRequest) -> tuple[str, str]:
        """Client id and PIN. On test gateways a button may send a test account instead."""
        transaction = self.there.session.transaction
        chosen = request.POST.get("account", "")
        if chosen and transaction.gateway.is_test:
            known = transaction.account.client_id if chosen == CONNECTED and transaction.account else chosen
            return known, FORGIVING_PIN
        return request.POST.get("client_id", "").strip()[:LONGEST_PIN], request.POST.get("pin", "")


class LogIn(BrokerLoginForm):
    """The only view that reveals the URL after the login, and only to the form that logged in."""

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        session = self.there.session
        if not session.broker or session.transaction.status != TransactionStatus.INITIALIZED:
            return self.back()  # the form came from an outdated page; show the current screen
        client_id, pin = self.typed(request)
        error = self.error_of(client_id, pin)
        session.refresh_from_db(fields=["login_token_digest"])  # a copy of this form may have logged in meanwhile
        if session.login_token_digest is not None:
            return self.outside(request)
        return steps.login(self.there, client_id=client_id, error=error) if error else self.back()

    def refusal(self, request: HttpRequest, what: str, status: int) -> HttpResponse:
        """Offers the same form again: the login may have succeeded before the database failed."""
        return message_page(request, what, status, nonce=request.POST.get("nonce", ""))

    def outside(self, request: HttpRequest) -> HttpResponse:
        """Redirects the form that logged in, also when it is sent again after a lost response."""
        if request.method != "POST" or browser_binding.is_outside(self.there.session, self.window.token):
            return super().outside(request)
        return SeeOther(reverse("checkout", kwargs={"token": self.window.token}))

    @cached_property
    def window(self) -> LoginWindow:
        """The window of this form. A form without a valid nonce gets a URL that no other form can reach."""
        sent = self.request.POST.get("nonce", "")
        nonce = sent if DIGEST.fullmatch(sent) else browser_binding.new_token()
        session = self.there.session
        return LoginWindow(session.pk, browser_binding.login_token(session, nonce), pin_limits.network_of(self.request))

    def enter(self, client_id: str, pin: str) -> None:
        session, now = self.there.session, self.there.now
        sessions.enter(session=session, client_id=client_id, pin=pin, now=now, window=self.window)


class LogInAgain(BrokerLoginForm):
    """After the session at the broker has ended. This window has logged in before, so its URL stays."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return login_again.screen(self.there, choices="") if self._is_open() else self.back()

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        if not self._is_open():
            return self.back()
        client_id, pin = self.typed(request)
        choices = login_again.choices_kept(request.POST)
        if error := self.error_of(client_id, pin):
            return login_again.screen(self.there, choices=choices, client_id=client_id, error=error)
        return SeeOther(f"{self.there.home}?{choices}" if choices else self.there.home)

    def _is_open(self) -> bool:
        return sessions.may_enter_again(self.there.session)

    def enter(self, client_id: str, pin: str) -> None:
        sessions.enter_again(session=self.there.session, client_id=client_id, pin=pin, now=self.there.now)


class Confirm(CheckoutView):
    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        session = self.there.session
        if session.is_replaced or session.transaction.status != TransactionStatus.USED:
            return self.back()
        return confirmation.taken(self.there, request.POST) or self.back()


class MarkComplete(CheckoutView):
    """Marks a batch complete: for a FIX the batch to be fixed, otherwise the transaction's unfinished batch."""

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
            pass  # already marked, or the transaction has ended: the page shows the current state
        return self.back()


class Status(CheckoutView):
    """The changing part of the status page; 304 if unchanged, 205 if the page must be reloaded."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        fragment = steps.status_fragment(self.there)
        if fragment is None:
            return HttpResponse(status=205)  # the session has no status page any more: reload
        tag = f'"{blake2b(fragment.content, digest_size=12).hexdigest()}"'
        known = request.headers.get("If-None-Match") == tag
        response = HttpResponseNotModified() if known else fragment
        response["ETag"] = tag
        return response


class Leave(CheckoutView):
    """Returns to the partner. Ends a transaction that was not confirmed."""

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
    """The partner's URL with `carried` in its query, in place of earlier parameters of ours."""
    parts = urlsplit(url)
    query = [
        (name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in NAMES_OF_OURS
    ]
    return urlunsplit(parts._replace(query=urlencode([*query, *carried.items()])))
