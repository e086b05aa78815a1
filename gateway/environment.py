"""Reads environment variables. A missing or malformed variable ends the start with a sentence that names it."""

import os
import re
import secrets
import ssl
import stat
import warnings
from collections.abc import Callable
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import environ
import limits

from gateway.values.old_names import warn_of_old_name

T = TypeVar("T")
# Stricter than Fernet, whose base64 ignores foreign characters: two keys with a wrong separator would become one.
FERNET_KEY = re.compile(r"[A-Za-z0-9_-]{43}=")
# Files and folders that the embedded default creates in VAR_DIR.
KEPT = (
    "secret_key",
    "encryption_key",
    "gateway.sqlite3*",
    "demo-site.sqlite3*",
    "celerybeat-schedule*",
    "demo.log",
    "queue",
    "queue/**/*",
    "metrics",
    "metrics/*",
)
OTHERS = stat.S_IRWXG | stat.S_IRWXO
TRUE, FALSE = frozenset({"true", "1", "yes", "on"}), frozenset({"false", "0", "no", "off"})

env = environ.Env()


def refuse(sentence: str) -> NoReturn:
    raise SystemExit(f"The gateway cannot start: {sentence}")


def text(name: str, *, default: str | None = None) -> str:
    value = os.environ.get(name, "") or default
    if value is None:
        refuse(f"{name} is not set.")
    return value


def read(name: str, cast: Callable[[str], T], *, default: str | None = None, wanted: str) -> T:
    """`cast` of the variable's text; `wanted` finishes the sentence "NAME must be …"."""
    value = text(name, default=default)
    try:
        return cast(value)
    except (ValueError, KeyError, environ.ImproperlyConfigured):
        refuse(f"{name} must be {wanted}.")


def flag(name: str, *, default: bool) -> bool:
    return read(name, _truth, default=str(default).lower(), wanted="true or false")


def whole(name: str, *, default: int, before: str = "") -> int:
    """`before`: the variable's name in the last release."""
    if not os.environ.get(name) and os.environ.get(before):
        warn_of_old_name(before, name)
        name = before
    return read(name, int, default=str(default), wanted="a whole number")


def long_enough(secret: str) -> str:
    """Checks a secret that may be empty."""
    if secret and len(secret) < 16:
        raise ValueError("short")
    return secret


def authorities(path: str) -> str:
    """Checks a file of certificates that may be empty."""
    if path:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
        except OSError as error:
            raise ValueError(path) from error
    return path


def words(name: str, *, default: str = "") -> list[str]:
    """A comma-separated list; empty entries are dropped."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def one_of(name: str, choices: tuple[str, ...], *, default: str) -> str:
    value = text(name, default=default)
    if value not in choices:
        refuse(f"{name} must be one of {', '.join(choices)}.")
    return value


def database(name: str, *, default: str | None) -> dict[str, Any]:
    wanted = "a database URL such as postgres://user:password@host:5432/name"
    with warnings.catch_warnings(action="ignore"):  # our error says the same
        config: dict[str, Any] = read(name, env.db_url_config, default=default, wanted=wanted)
    if "." not in config.get("ENGINE", "") or not config.get("NAME"):
        refuse(f"{name} must be {wanted}.")
    return config


def broker_url(name: str, *, default: str | None) -> str:
    url = text(name, default=default)
    each = (
        ("sentinel://",) if url.startswith("sentinel://") else ("redis://", "rediss://", "filesystem://", "memory://")
    )
    if not all(one.startswith(each) for one in url.split(";")):
        refuse(f"{name} must be a Celery broker URL such as redis://host:6379/0.")
    return url


def fernet_keys(name: str, *, default: str | None) -> list[str]:
    keys = [key.strip() for key in text(name, default=default).split(",") if key.strip()]
    if not keys or not all(FERNET_KEY.fullmatch(key) for key in keys):
        refuse(f"{name} must be Fernet keys (32 url-safe base64 bytes), newest first, separated by commas.")
    return keys


def audit_keys(name: str, *, default: str) -> list[str]:
    keys = words(name) or [default]
    if any(len(key) < 16 for key in keys):
        refuse(f"{name} must be keys of 16 characters at least, newest first, separated by commas.")
    return keys


def rate(name: str, *, default: str) -> str:
    """A rate in the format of `limits`; empty means no limit, not the default."""
    value = os.environ.get(name, default).strip()
    try:
        if value and limits.parse(value).amount < 1:
            raise ValueError(value)
    except ValueError:
        refuse(f"{name} must be a rate such as 300/minute, or empty for no limit.")
    return value


def store_url(name: str, *, default: str) -> str:
    url = text(name, default=default)
    if not url.startswith(("redis://", "rediss://", "redis+sentinel://", "memory://")):
        refuse(f"{name} must be redis://host:6379/0, redis+sentinel://host:26379/master or memory://.")
    return url


def keep_private(directory: Path) -> None:
    """Makes `directory` and the embedded default's files readable only for their owner, old files included.

    Files of another user, and files not in KEPT, are not changed; nor is a directory that users share, such as /tmp.
    """
    os.umask(0o077)
    directory.mkdir(parents=True, exist_ok=True)
    here = directory.resolve()
    for path in chain.from_iterable(map(here.glob, KEPT)):
        if path.parent.resolve().is_relative_to(here):  # no symbolic link to a place outside
            _tighten(path)
    _tighten(here)


def _tighten(path: Path) -> None:
    """Files in the queue may vanish at any time, and some file systems have no modes."""
    with suppress(OSError):
        found = path.lstat()
        is_ours = found.st_uid == os.geteuid() and not found.st_mode & stat.S_ISVTX
        if is_ours and found.st_mode & OTHERS and not stat.S_ISLNK(found.st_mode):
            path.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)


def kept_secret(path: Path, make: Callable[[], str]) -> str:
    """Creates a secret of the embedded default once; two processes that start at the same time get the same secret."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_suffix(f".{os.getpid()}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(make())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


def _truth(value: str) -> bool:
    if value.lower() in TRUE | FALSE:
        return value.lower() in TRUE
    raise ValueError(value)
