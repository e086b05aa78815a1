"""An authenticator app as second factor (TOTP, RFC 6238). Setting it up and removing it each need a code."""

import secrets
from base64 import b32encode
from binascii import unhexlify
from datetime import datetime
from urllib.parse import quote, urlencode

import segno
from django.conf import settings
from django.contrib.auth.models import User
from django.db.transaction import atomic
from django_otp.oath import TOTP

from gateway.audit.trail import Actor
from gateway.database.encryption import encrypt
from gateway.identity.login import STEPS_OFF, device_of, shows
from gateway.models import AuthenticatorApp
from gateway.values.errors import Conflict, Invalid


class WrongCode(Invalid):
    """The code is not the app's current code."""


def new_key() -> str:
    """160 bits, in hexadecimal."""
    return secrets.token_hex(20)


def address_of(key: str, user: User) -> str:
    """The otpauth URL for an authenticator app, usually shown as a QR code."""
    issuer = settings.OTP_TOTP_ISSUER
    query = urlencode({"secret": spelt(key), "issuer": issuer, "digits": 6, "period": 30}, quote_via=quote)
    return f"otpauth://totp/{quote(issuer)}:{quote(user.get_username())}?{query}"


def spelt(key: str) -> str:
    """The key in base32, for typing."""
    return b32encode(unhexlify(key)).decode()


def picture(address: str) -> str:
    """A QR code as SVG. Drawn here, so that the key is sent to no other service."""
    return segno.make(address, micro=False).svg_inline(scale=5, border=4, dark="#000", light="#fff", title="QR code")


def enrol(*, user: User, key: str, code: str, by: Actor, now: datetime) -> AuthenticatorApp:
    """The code cannot be used again. A user has at most one app."""
    totp = TOTP(unhexlify(key))
    totp.time = now.timestamp()
    if not (code.isascii() and code.isdecimal() and totp.verify(int(code), STEPS_OFF)):
        raise WrongCode("This is not the app's current code. Check that your phone's clock is right.")
    with atomic(durable=True):
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if device_of(user):
            raise Conflict("You already have an authenticator app.")
        made: AuthenticatorApp = AuthenticatorApp.objects.create(
            user=user, name="app", encrypted_key=encrypt(key), last_t=totp.t()
        )
        before, after = {"second_factor": False}, {"second_factor": True}
        by.record("set up second factor", f"user {user}", before=before, after=after)
    return made


def give_up(*, user: User, code: str, by: Actor) -> None:
    with atomic(durable=True):
        device = device_of(user, lock=True)
        fits = device is not None and shows(device, code)
        if fits:
            take_away(user=user, by=by)
    if not fits:
        raise WrongCode("This is not the app's current code.")


def take_away(*, user: User, by: Actor) -> bool:
    """Removes the second factor of a user who has lost the phone. False if there was none."""
    with atomic():
        gone, _ = AuthenticatorApp.objects.filter(user=user).delete()
        if gone:
            before, after = {"second_factor": True}, {"second_factor": False}
            by.record("take second factor away", f"user {user}", before=before, after=after)
    return bool(gone)
