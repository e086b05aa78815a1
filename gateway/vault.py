"""Secrets that must be recoverable, at rest: Fernet, the newest key seals, every key opens."""

from functools import lru_cache

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


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
    """The same secret under the newest key."""
    return _vault(tuple(settings.ENCRYPTION_KEYS)).rotate(sealed.encode()).decode()


@lru_cache(maxsize=4_096)
def _opened(keys: tuple[str, ...], sealed: str) -> str:
    return _vault(keys).decrypt(sealed.encode()).decode()


@lru_cache(maxsize=8)
def _vault(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
