"""Runs a POST with an Idempotency-Key once and gives repeated requests the same response. The INSERT is the check.

Two requests with one key may run at once in different web processes, a process may die after any line of the first, and
the database may be down when the response is to be stored. So a request claims its key before it does anything, for
longer than any request lasts. If there is no response by then, a repeated request runs it again.
"""

import hashlib
import json
import logging
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography.fernet import InvalidToken
from django.db import IntegrityError, InterfaceError, OperationalError
from django.db.models import F, QuerySet
from django.db.transaction import atomic

from gateway.api.drf import no_constant
from gateway.database.encryption import decrypt, encrypt
from gateway.models import IdempotentRequest
from gateway.values.errors import RETRYABLE, Conflict, ErrorType, GatewayError, Invalid
from gateway.values.ids import new_transaction_id

log = logging.getLogger(__name__)

HEADER: Final = "Idempotency-Key"
KEY: Final = re.compile(r"[!-~]([ -~]{0,253}[!-~])?")  # a header value: no space at either end
KEPT: Final = timedelta(hours=24)
# The longest request is a sandbox call that waits for 30 s; if a key is claimed for longer, its process has died.
REQUEST_LEASE: Final = timedelta(seconds=90)
FORGOTTEN_AT_ONCE: Final = 1_000
PASSING_STATUSES: Final = frozenset({401, 429})
# The sender can correct the request, and nothing was done: the key is free for the corrected request.
CORRECTED_STATUSES: Final = frozenset({400, 415})


class IdempotencyMismatch(GatewayError):
    """The key was used for another request."""

    error_type = ErrorType.IDEMPOTENCY_MISMATCH


class TwinRunning(Conflict):
    """The first request with this key is still running."""

    retry_after = 1


class AnswerLost(Conflict):
    """The request was carried out, but the key that encrypted its response is no longer in ENCRYPTION_KEYS."""


@dataclass(frozen=True, slots=True)
class Keyed:
    """A request and the owner of its key: a gateway or a manager (the other is None).

    `first_fingerprint` is the fingerprint that the first release made, over the raw body: rows that were written before
    an upgrade have it for a day.
    """

    gateway_id: int | None
    user_id: int | None
    key: str
    fingerprint: str
    first_fingerprint: str


@dataclass(frozen=True, slots=True)
class Turn:
    """The right to run a request. `reserved_id` is the same at every run."""

    row: int
    attempt: int
    reserved_id: str

    @property
    def is_rerun(self) -> bool:
        """Whether the request ran before, with an unknown outcome."""
        return self.attempt > 0


@dataclass(frozen=True, slots=True)
class Stored:
    """The response to the first request, byte for byte."""

    status: int
    body: str


def checked_key(text: str) -> str:
    """Returns the key. Raises Invalid if a header cannot carry it."""
    if not KEY.fullmatch(text):
        raise Invalid(f"{HEADER}: must be 1 to 255 printable ASCII characters.")
    return text


def fingerprint(*, method: str, path: str, caller: str, body: bytes) -> str:
    """Equal for equal JSON, whatever its spaces, escapes and order of keys. `path` contains no line feed.

    Compares parsed values: the last of duplicate keys counts, and `1`, `1.0` and `1e0` are equal. `1`, `"1"` and `true`
    differ. Bodies that are not JSON are compared byte by byte.
    """
    return first_fingerprint(method=method, path=path, caller=caller, body=_canonical(body))


def first_fingerprint(*, method: str, path: str, caller: str, body: bytes) -> str:
    """The first release's fingerprint, for rows written before an upgrade."""
    return hashlib.sha256(f"{method} {path}\n{caller}\n".encode() + body).hexdigest()


def begin(*, keyed: Keyed, now: datetime) -> Turn | Stored:
    """A turn for the first request, the stored response for repeated requests; `now` is real time.

    Raises IdempotencyMismatch, TwinRunning, or AnswerLost.
    """
    reserved = new_transaction_id()
    try:
        with atomic():
            row = IdempotentRequest.objects.create(
                gateway_id=keyed.gateway_id,
                user_id=keyed.user_id,
                key=keyed.key,
                fingerprint=keyed.fingerprint,
                reserved_id=reserved,
                leased_until=now + REQUEST_LEASE,
                created_at=now,
            )
    except IntegrityError:  # one_request_per_key_of_…
        return _after_the_first(keyed, reserved, now)
    return Turn(row.pk, row.attempts, reserved)


def settle(turn: Turn, *, status: int, error_type: str | None, body: str, now: datetime) -> None:
    """Stores a response that repeated requests shall get; otherwise frees the key at once.

    Uses the fencing token: a request that outlived its lease stores nothing. If the database is down the response is
    sent anyway; the lease then expires, and running the request again has the same result.
    """
    mine = IdempotentRequest.objects.filter(pk=turn.row, attempts=turn.attempt, status_code__isnull=True)
    try:
        if is_worth_keeping(status, error_type):
            mine.update(status_code=status, encrypted_response=encrypt(body))
        else:
            mine.update(leased_until=now)
    except (OperationalError, InterfaceError) as error:
        log.warning("The response to an idempotent request could not be stored: %s", error)


def is_worth_keeping(status: int, error_type: str | None) -> bool:
    """Whether the same request would get the same response if it were sent later."""
    return status < 500 and status not in PASSING_STATUSES and error_type not in RETRYABLE


def forget_old(*, now: datetime) -> int:
    """Deletes expired rows in chunks, so that no statement takes long. Returns how many."""
    old = IdempotentRequest.objects.filter(created_at__lte=now - KEPT).order_by("created_at")
    forgotten = 0
    while keys := list(old.values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE]):
        # Filters by age again: a row may have been reused for a new request since it was read.
        gone, _ = IdempotentRequest.objects.filter(pk__in=keys, created_at__lte=now - KEPT).delete()
        forgotten += gone
    return forgotten


def _after_the_first(keyed: Keyed, reserved: str, now: datetime) -> Turn | Stored:
    found = _rows(keyed).first()
    if found is None:  # it was deleted a moment ago
        raise TwinRunning(f"{HEADER}: this key is just expiring; try again.")
    if found.created_at <= now - KEPT or found.status_code in CORRECTED_STATUSES:
        return _take_over(found, keyed, reserved, now)
    if found.fingerprint not in {keyed.fingerprint, keyed.first_fingerprint}:
        raise IdempotencyMismatch(f"{HEADER}: this key was used for another request in the last 24 hours.")
    if found.status_code is not None:
        return Stored(found.status_code, _opened(found))
    if found.leased_until > now:
        raise TwinRunning(f"{HEADER}: the first request with this key is still running.")
    return _run_again(found, now)


def _canonical(body: bytes) -> bytes:
    try:
        return json.dumps(json.loads(body, parse_float=_number, parse_constant=no_constant), sort_keys=True).encode()
    except (ValueError, RecursionError):
        return body


def _number(text: str) -> float | int:
    value = float(text)
    return int(value) if value.is_integer() else value


def _opened(found: IdempotentRequest) -> str:
    try:
        return decrypt(found.encrypted_response)
    except InvalidToken:
        raise AnswerLost(f"{HEADER}: this request was carried out, but its response can no longer be read.") from None


def _run_again(found: IdempotentRequest, now: datetime) -> Turn:
    """The UPDATE is the check: of all requests that find the lease expired, one gets the turn."""
    seen = IdempotentRequest.objects.filter(pk=found.pk, attempts=found.attempts, status_code__isnull=True)
    if not seen.update(attempts=F("attempts") + 1, leased_until=now + REQUEST_LEASE):
        raise TwinRunning(f"{HEADER}: the first request with this key is still running.")
    return Turn(found.pk, found.attempts + 1, found.reserved_id)


def _take_over(found: IdempotentRequest, keyed: Keyed, reserved: str, now: datetime) -> Turn:
    """Reuses a key that has expired, or whose request was invalid, with a new id for the object to create."""
    seen = IdempotentRequest.objects.filter(pk=found.pk, attempts=found.attempts, created_at=found.created_at)
    anew = {
        "fingerprint": keyed.fingerprint,
        "reserved_id": reserved,
        "created_at": now,
        "leased_until": now + REQUEST_LEASE,
    }
    if not seen.update(**anew, attempts=F("attempts") + 1, status_code=None, encrypted_response=""):
        raise TwinRunning(f"{HEADER}: the first request with this key is still running.")
    return Turn(found.pk, found.attempts + 1, reserved)


def _rows(keyed: Keyed) -> QuerySet[IdempotentRequest]:
    rows = IdempotentRequest.objects.filter(key=keyed.key)
    return rows.filter(user=keyed.user_id) if keyed.gateway_id is None else rows.filter(gateway=keyed.gateway_id)
