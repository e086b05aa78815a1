"""Login to the console: name, password, and a code if the user has an authenticator app."""

from binascii import unhexlify
from typing import Any, Final

from axes.helpers import get_cool_off
from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import ValidationError
from django.db.transaction import atomic
from django.http import HttpRequest
from django.template.loader import render_to_string
from django_otp.oath import TOTP

from gateway.database.encryption import decrypt
from gateway.http.client_address import remote_network
from gateway.http.envelope import Page
from gateway.models import AuthenticatorApp
from gateway.partners import clock

STEPS_OFF: Final = 1  # half a minute early or late
REFUSED: Final = "Enter the name and password of a staff account, and the code of its authenticator app if it has one."


class LoginForm(AdminAuthenticationForm):
    """One error for every cause, so that nobody learns that a password was right."""

    error_messages = {"invalid_login": REFUSED, "inactive": REFUSED}
    code = forms.CharField(
        required=False,
        max_length=10,
        label="Authenticator code, if you use an app",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )

    def clean(self) -> dict[str, Any]:
        """A right password with a wrong code, or of a user without staff status, counts as a failed login."""
        try:
            cleaned: dict[str, Any] = super().clean()
            if self.user_cache is not None:  # None if a field is empty or has characters that no name has
                self._check_code(self.user_cache, cleaned.get("code", ""))
        except ValidationError:
            if self.user_cache is not None:
                name = self.user_cache.get_username()
                user_login_failed.send(__name__, credentials={"username": name}, request=self.request)
                self.user_cache = None
            raise
        return cleaned

    def _check_code(self, user: Any, code: str) -> None:
        """Locks the device, so that one code is valid for one login. django-otp throttles wrong codes."""
        with atomic():
            device = device_of(user, lock=True)
            fits = device is None or shows(device, code.replace(" ", ""))
        if not fits:
            raise self.get_invalid_login_error()
        user.otp_device = device  # django-otp keeps it in the session


def device_of(user: User, *, lock: bool = False) -> AuthenticatorApp | None:
    """The user's authenticator app, or None. `lock` needs a transaction."""
    rows = AuthenticatorApp.objects.select_for_update() if lock else AuthenticatorApp.objects.all()
    found: AuthenticatorApp | None = rows.filter(user=user).first()
    return found


def shows(device: AuthenticatorApp, code: str) -> bool:
    """Whether this is the app's current code, used for the first time. The caller has locked the device's row.

    Throttled as in django-otp: each wrong code doubles the wait, during which no code is checked.
    """
    if not device.verify_is_allowed()[0]:
        return False
    totp = TOTP(unhexlify(decrypt(device.encrypted_key)))
    totp.time = clock.wall().timestamp()
    fits = code.isascii() and code.isdecimal() and totp.verify(int(code), STEPS_OFF, device.last_t + 1)
    if fits:
        device.last_t = totp.t()
        device.throttle_reset(commit=False)
        device.save()
    else:
        device.throttle_increment(commit=True)
    return bool(fits)


def guesser(request: HttpRequest) -> str:
    """The key under which wrong passwords are counted, for any user name."""
    return f"console {remote_network(request.META)}"


def client_address(request: HttpRequest) -> str | None:
    """For axes, whose column needs a plain address."""
    return remote_network(request.META).partition("/")[0] or None


def locked_out(request: HttpRequest, response: Any, credentials: Any) -> Page:
    seconds = int(get_cool_off(request).total_seconds())
    return too_many(request, seconds=seconds)


def too_many(request: HttpRequest, *, seconds: int) -> Page:
    """The 429 page after too many failed logins."""
    page = Page(render_to_string("admin/locked_out.html", {"minutes": -(-seconds // 60)}, request), status=429)
    page["Retry-After"] = str(seconds)
    return page
