"""Manager tokens. Only a digest is stored, so a database dump or a logged query reveals no token."""

import hashlib

from django.contrib.auth.models import User
from django.db.transaction import atomic
from rest_framework.authtoken.models import Token

from gateway.audit.trail import Actor
from gateway.values.ids import new_secret

# The column's width. 160 bits of a digest of 256 random bits need neither salt nor stretching.
KEPT_CHARACTERS = 40


def issue_token(*, user: User, by: Actor | None = None) -> str:
    """Returns a new token for `user` and deletes the previous one."""
    made = new_secret()
    with atomic(durable=True):
        replaced, _ = Token.objects.filter(user=user).delete()
        Token.objects.create(user=user, key=kept_form(made))
        if by:
            by.record("issue manager token", f"user {user}", before={"live": replaced}, after={"live": 1})
    return made


def kept_form(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:KEPT_CHARACTERS]
