"""Secrets that must be recoverable, at rest: Fernet, the newest key seals, every key opens."""

from functools import lru_cache
from typing import Any, TypeVar

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models

_Set = TypeVar("_Set")
_Get = TypeVar("_Get")


class SealedField(models.TextField[_Set, _Get]):
    """A column of sealed secrets. `manage.py reseal_secrets` finds each by its type (gateway.partners.reencryption)."""

    def deconstruct(self) -> Any:
        """For migrations it is the text that it is in the database."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs


def seal(secret: str) -> str:
    return _vault(tuple(settings.ENCRYPTION_KEYS)).encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """Raises cryptography.fernet.InvalidToken when none of ENCRYPTION_KEYS sealed it."""
    return _vault(tuple(settings.ENCRYPTION_KEYS)).decrypt(sealed.encode()).decode()


def unseal_kept(sealed: str) -> str:
    """As `unseal`, for what is asked with every request. What is opened is kept, and of no use without its row.

    A secret that was rotated or sealed anew is another text; one that was retired stands in no row that is read.
    """
    return _opened(tuple(settings.ENCRYPTION_KEYS), sealed)


def reseal(sealed: str) -> str:
    """The same secret under the newest key; the very text where that key has sealed it. Raises as `unseal` does."""
    keys = tuple(settings.ENCRYPTION_KEYS)
    try:
        _vault(keys[:1]).decrypt(sealed.encode())
    except InvalidToken:
        return _vault(keys).rotate(sealed.encode()).decode()
    return sealed


@lru_cache(maxsize=4_096)
def _opened(keys: tuple[str, ...], sealed: str) -> str:
    return _vault(keys).decrypt(sealed.encode()).decode()


@lru_cache(maxsize=8)
def _vault(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
