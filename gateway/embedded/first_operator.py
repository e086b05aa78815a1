"""Creates the first operator of an embedded gateway."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User
from django.db.transaction import atomic

from gateway.audit.trail import Actor
from gateway.values.ids import new_secret


@dataclass(frozen=True, slots=True)
class Operator:
    name: str
    password: str


def first_operator(*, by: Actor | None = None) -> Operator | None:
    """A superuser `admin` with a random password, if no user can log in yet; else, and in production, None."""
    if not settings.EMBEDDED or User.objects.filter(is_staff=True).exists():
        return None
    made = Operator("admin", new_secret(9))
    with atomic():
        User.objects.create_superuser(made.name, password=made.password)
        if by:
            by.record("make first operator", f"user {made.name}", after={"superuser": True})
    return made
