"""The console's admin site: access, its pages beyond the lists, and the home page."""

from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.db.transaction import atomic
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django_otp import login as verified_by

from gateway.api.rate_limits import RateLimited, refuse_guessers
from gateway.console import dashboard
from gateway.console.read_only_admin import actor_of
from gateway.identity import totp as second_factor
from gateway.identity.login import LoginForm, device_of, guesser, too_many
from gateway.partners import clock
from gateway.values.errors import GatewayError

KEY = "console_new_key"


class ConsoleSite(AdminSite):
    site_header = site_title = "Transaction gateway"
    index_title = "Console"
    empty_value_display = "—"
    site_url = None
    enable_nav_sidebar = False  # the lists need the width; a menu is at the top of every page
    login_form = LoginForm
    index_template = "admin/home.html"
    login_template = "admin/console_login.html"

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and _is_certain(request)

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if _may_set_up(request):
            return redirect("admin:second_factor")
        if request.method == "POST":
            try:
                refuse_guessers(guesser(request), now=clock.wall())
            except RateLimited as refusal:
                return too_many(request, seconds=refusal.retry_after or 1)
        return super().login(request, extra_context)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Ends the user's other sessions; this session continues."""
        with atomic():
            response = super().password_change(request, extra_context)
            if isinstance(response, HttpResponseRedirect):
                actor_of(request).record(
                    "change own password", f"user {request.user}", after={"other_sessions": "ended"}
                )
        return response

    def index(self, request: HttpRequest, extra_context: Any = None) -> Any:
        user: Any = request.user
        return super().index(request, {**dashboard.shown_to(user, now=clock.wall()), **(extra_context or {})})

    def get_urls(self) -> list[Any]:
        # Not wrapped in admin_view, which refuses users without a second factor if the second factor is required.
        own = sensitive_post_parameters()(csrf_protect(never_cache(self.second_factor)))
        return [path("second-factor/", own, name="second_factor"), *super().get_urls()]

    def second_factor(self, request: HttpRequest) -> HttpResponse:
        if not (self.has_permission(request) or _may_set_up(request)):
            return redirect("admin:login")
        error = ""
        if request.method == "POST":
            try:
                _act(request)
                return redirect("admin:second_factor")
            except GatewayError as refusal:
                error = str(refusal)
        context = {**self.each_context(request), **_shown(request, error)}
        return TemplateResponse(request, "admin/second_factor.html", context)


def _is_certain(request: HttpRequest) -> bool:
    """Whether the user passed the second factor, or none is required. Called several times per page."""
    known: bool | None = vars(request).get("_is_certain")
    if known is None:
        user: Any = request.user
        known = bool(user.is_verified()) or not (settings.CONSOLE_REQUIRE_TOTP or device_of(user))
        vars(request)["_is_certain"] = known
    return known


def _may_set_up(request: HttpRequest) -> bool:
    """Whether the user has entered the right password, and needs a second factor but has none."""
    user: Any = request.user
    if not (settings.CONSOLE_REQUIRE_TOTP and user.is_authenticated and user.is_active and user.is_staff):
        return False
    return device_of(user) is None


def _act(request: HttpRequest) -> None:
    user: Any = request.user
    code = request.POST.get("code", "").replace(" ", "")[:10]
    if request.POST.get("act") == "give up":
        second_factor.give_up(user=user, code=code, by=actor_of(request))
        return
    key = request.session.get(KEY, "")
    if not key:
        raise second_factor.WrongCode("Scan the QR code that is shown now.")
    device = second_factor.enrol(user=user, key=key, code=code, by=actor_of(request), now=clock.wall())
    del request.session[KEY]
    verified_by(request, device)


def _shown(request: HttpRequest, error: str) -> dict[str, Any]:
    user: Any = request.user
    shown = {"title": "Second factor", "error": error, "is_required": settings.CONSOLE_REQUIRE_TOTP}
    if device_of(user):
        return {**shown, "has_device": True}
    key = request.session.setdefault(KEY, second_factor.new_key())
    address = second_factor.address_of(key, user)
    return {**shown, "key": second_factor.spelt(key), "picture": second_factor.picture(address)}
