"""Encryption of stored secrets that must be recoverable: Fernet, the newest key encrypts, every key decrypts."""

from functools import lru_cache
from typing import Any, TypeVar

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models

_Set = TypeVar("_Set")
_Get = TypeVar("_Get")


class EncryptedField(models.TextField[_Set, _Get]):
    """A column of encrypted secrets. `manage.py reencrypt_secrets` finds it by type (gateway.partners.reencryption)."""

    def deconstruct(self) -> Any:
        """Migrations treat the column as plain text."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs


def encrypt(secret: str) -> str:
    """Encrypts with the newest key; two calls give different texts."""
    return _fernet(tuple(settings.ENCRYPTION_KEYS)).encrypt(secret.encode()).decode()


def decrypt(encrypted: str) -> str:
    """Raises cryptography.fernet.InvalidToken if none of ENCRYPTION_KEYS encrypted it."""
    return _fernet(tuple(settings.ENCRYPTION_KEYS)).decrypt(encrypted.encode()).decode()


def decrypt_cached(encrypted: str) -> str:
    """Like `decrypt`, for secrets read with every request. Caches the plain text, which is useless without its row.

    A secret that was rotated or encrypted again has another text, and a retired secret is no longer read.
    """
    return _decrypted(tuple(settings.ENCRYPTION_KEYS), encrypted)


def reencrypt(encrypted: str) -> str:
    """The same secret, encrypted with the newest key; unchanged if it already is. Raises as `decrypt` does."""
    keys = tuple(settings.ENCRYPTION_KEYS)
    try:
        _fernet(keys[:1]).decrypt(encrypted.encode())
    except InvalidToken:
        return _fernet(keys).rotate(encrypted.encode()).decode()
    return encrypted


@lru_cache(maxsize=4_096)
def _decrypted(keys: tuple[str, ...], encrypted: str) -> str:
    return _fernet(keys).decrypt(encrypted.encode()).decode()


@lru_cache(maxsize=8)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
