"""What a manager's program holds: shown once and kept as a digest, so that no dump and no logged query opens it."""

import hashlib
import secrets

from django.contrib.auth.models import User
from django.db.transaction import atomic
from rest_framework.authtoken.models import Token

from gateway.audit.trail import Actor

# The column's width; 160 bits of a digest over 256 random ones, which need neither salt nor stretching.
KEPT_CHARACTERS = 40


def issue_token(*, user: User, by: Actor | None = None) -> str:
    """A new one; the one before it is refused from now on."""
    made = secrets.token_urlsafe(32)
    with atomic(durable=True):
        replaced, _ = Token.objects.filter(user=user).delete()
        Token.objects.create(user=user, key=kept_form(made))
        if by:
            by.record("issue manager token", f"user {user}", before={"live": replaced}, after={"live": 1})
    return made


def kept_form(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:KEPT_CHARACTERS]
