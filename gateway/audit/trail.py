"""The audit trail: who did what, when, from where, before and after. A hash chain, so that tampering can be detected.

Every entry carries an HMAC over its own contents and the digest of the entry before it (ADR 0015). The key is not in
the database: somebody who can write the tables can neither change nor extend the trail undetected.
"""

import hmac
import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Max, Subquery
from django.db.transaction import on_commit

from gateway.models import AuditEntry, AuditHead

HEAD: Final = 1
LONGEST: Final = 32_768  # characters of `before` and of `after`, each
WITHHELD: Final = "(withheld)"
SECRET: Final = re.compile(
    r"secret|passw|token|sealed|encrypted|credential|authorization|cookie|otp|(^|_)(pin|key)$", re.I
)
UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
log = logging.getLogger("gateway.audit")  # operators collect the logged heads of the trail by this name


def record(
    *,
    by: User | None,
    act: str,
    subject: str,
    before: Mapping[str, object],
    after: Mapping[str, object],
    reason: str = "",
    address: str = "",
    now: datetime,
) -> None:
    """Appends an entry inside the caller's transaction, so that a change and its entry are committed together.

    Locks the head until that transaction ends; all other writers of the trail wait. So call this last in the block,
    after every other lock (otherwise writers deadlock), and do nothing slow afterwards. PostgreSQL checks foreign keys
    at the commit, under this lock: rows that others refer to are therefore locked with no_key=True where an entry
    follows.
    `by` is None if no user acted; then `act` names the command and `after` the person who ran it.
    """
    head, _ = AuditHead.objects.select_for_update().get_or_create(pk=HEAD)
    entry = AuditEntry(
        number=head.number + 1,
        at=now.astimezone(UTC),
        by_id=by.pk if by else None,
        by_name=_plain(by.get_username(), 150) if by else "",
        act=_plain(act, 100),
        subject=_plain(subject, 200),
        before=canonical(before),
        after=canonical(after),
        reason=_plain(reason, 2_000),
        address=_plain(address, 64),
        previous=head.digest,
    )
    entry.digest = _digest(entry, settings.AUDIT_KEYS[0])
    entry.save(force_insert=True)
    signature = _head_signature(entry.number, entry.digest, settings.AUDIT_KEYS[0])
    AuditHead.objects.filter(pk=HEAD).update(number=entry.number, digest=entry.digest, signature=signature)
    # Logs are stored elsewhere: the logged number shows if the end of the trail was cut off.
    on_commit(partial(log.info, "Audit entry %s: %s, %s", entry.number, entry.act, entry.digest), robust=True)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, from where, and when in real time: a user, or a command (`user` is None, `address` user@host)."""

    user: User | None
    address: str
    at: datetime
    command: str = ""

    def record(
        self,
        act: str,
        subject: str,
        *,
        before: Mapping[str, object] = MappingProxyType({}),
        after: Mapping[str, object] = MappingProxyType({}),
        reason: str = "",
    ) -> None:
        """Like `record`: call it last in the caller's transaction."""
        word = f"{act} ({self.command})" if self.command else act
        record(
            by=self.user,
            act=word,
            subject=subject,
            before=before,
            after=after,
            reason=reason,
            address=self.address,
            now=self.at,
        )


def canonical(facts: Mapping[str, object]) -> str:
    """The only spelling of these facts: sorted keys, ASCII, no spaces, secrets left out.

    A value that is too long is replaced by its digest.
    """
    text = _json(_safe(facts))
    if len(text) <= LONGEST:
        return text
    return _json({"tooLong": len(text), "sha256": hmac.digest(b"", text.encode(), "sha256").hex()})


@dataclass(frozen=True, slots=True)
class Verdict:
    """`broken` names the first bad entry and its fault; None if the chain is intact up to `head`.

    `entries` are the intact entries before it.
    """

    entries: int
    head: str
    broken: str | None = None


def verify(*, expected: Sequence[tuple[int, str]] = ()) -> Verdict:
    """Checks the chain once from its beginning, in constant memory, without blocking writers.

    `expected` are heads (number, digest) that were stored elsewhere: each must still be in the chain. Only they reveal
    that the whole trail was restored to an earlier state.
    """
    # One statement, so that an entry written at the same time is in both results or in neither.
    last = AuditEntry.objects.order_by("-number").values("number")[:1]
    known = AuditHead.objects.filter(pk=HEAD).annotate(last=Subquery(last)).first()
    if known is None:
        number = AuditEntry.objects.aggregate(last=Max("number"))["last"]
        last_known = number or max((n for n, _ in expected), default=0)
        return Verdict(0, "0:", f"Missing: the head. The last known entry is {last_known}." if last_known else None)
    last_number = vars(known)["last"] or 0
    walked, broken = 0, _broken_head(known)
    previous: AuditEntry | None = None
    wanted = dict(expected)
    for entry in AuditEntry.objects.filter(number__lte=known.number).order_by("number").iterator(chunk_size=2_000):
        fault = _broken_link(entry, previous) or _unexpected(entry, wanted)
        if fault:
            return Verdict(walked, str(known), fault)
        previous, walked = entry, walked + 1
    return Verdict(walked, str(known), broken or _broken_end(known, previous, last_number, wanted))


def _broken_head(head: AuditHead) -> str | None:
    if head.number == 0 and not head.digest:
        return None
    signatures = (_head_signature(head.number, head.digest, key) for key in settings.AUDIT_KEYS)
    return None if any(_same(signature, head.signature) for signature in signatures) else f"Changed: the head, {head}."


def _broken_link(entry: AuditEntry, previous: AuditEntry | None) -> str | None:
    due = previous.number + 1 if previous else 1
    before = previous.digest if previous else ""
    if entry.number != due:
        return f"Missing: entry {due}. The next one is {entry.number}."
    if not any(_same(_digest(entry, key), entry.digest) for key in settings.AUDIT_KEYS):
        is_pushed_in = AuditEntry.objects.filter(previous=before).exclude(pk=entry.pk).exists()
        return f"{'Inserted' if is_pushed_in else 'Changed'}: entry {entry.number}."
    return None if _same(entry.previous, before) else f"Changed: entry {due - 1}. Entry {due} follows another one."


def _unexpected(entry: AuditEntry, wanted: dict[int, str]) -> str | None:
    is_kept = _same(wanted.pop(entry.number, entry.digest), entry.digest)
    return None if is_kept else f"Changed: entry {entry.number}. Its digest differs from the one stored elsewhere."


def _broken_end(head: AuditHead, last: AuditEntry | None, number: int, wanted: Mapping[int, str]) -> str | None:
    reached = last.number if last else 0
    known = max((head.number, *wanted))
    if reached < known:
        return f"Truncated: entry {reached} is the last, and entry {known} was written."
    if last and not _same(last.digest, head.digest):
        return f"Changed: entry {reached}. The head has another digest."
    return f"Inserted: entry {reached + 1}, after the head." if number > reached else None


def _same(one: str, other: str) -> bool:
    """Compares bytes: compare_digest accepts only ASCII text, and an attacker may write anything into the table."""
    return hmac.compare_digest(one.encode(), other.encode())


def _digest(entry: AuditEntry, key: str) -> str:
    names = ("number", "by_id", "by_name", "act", "subject", "before", "after", "reason", "address", "previous")
    facts = {name: getattr(entry, name) for name in names}
    at = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    return _mac(key, "entry", _json({**facts, "at": at}))


def _head_signature(number: int, digest: str, key: str) -> str:
    return _mac(key, "head", f"{number}:{digest}")


def _mac(key: str, kind: str, message: str) -> str:
    """The message says that it is of the audit trail, because SECRET_KEY may sign other data as well."""
    return hmac.digest(key.encode(), f"gateway.audit.{kind}\n{message}".encode(), "sha256").hex()


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _safe(value: object, name: str = "") -> Any:
    """The value as JSON can express it. Floats become text, because a number has several spellings."""
    if SECRET.search(name) and value not in (None, "", False, True):
        return WITHHELD
    if isinstance(value, Mapping):
        return {str(key): _safe(each, str(key)) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        each = [_safe(one) for one in value]
        return sorted(each, key=_json) if isinstance(value, set | frozenset) else each
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Decimal) and value.is_finite():
        return f"{value.normalize():f}"  # equal amounts get the same text, with or without trailing zeros
    return value if value is None or isinstance(value, bool | int) else str(value)


def _plain(text: str, longest: int) -> str:
    """Text that every database can store, whatever a user typed."""
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)[:longest]
