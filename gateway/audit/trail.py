"""The audit trail: who did what, when, from where, before and after. A hash chain, so that tampering can be detected.

Every entry carries an HMAC over its own contents and the digest of the entry before it (ADR 0015). The key is not in
the database: somebody who can write the tables can neither change nor extend the trail undetected.
"""

import hmac
import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
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
SECRET: Final = re.compile(r"secret|passw|token|sealed|credential|authorization|cookie|otp|(^|_)(pin|key)$", re.I)
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
    seal = _seal(entry.number, entry.digest, settings.AUDIT_KEYS[0])
    AuditHead.objects.filter(pk=HEAD).update(number=entry.number, digest=entry.digest, seal=seal)
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
    """`broken` describes the first broken link; None if the chain is intact up to `head`."""

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
        return Verdict(0, "0:", _without_head(number or max((n for n, _ in expected), default=0)))
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


def _without_head(last: int) -> str | None:
    return f"The head was removed: the last known entry is {last}." if last else None


def _broken_head(head: AuditHead) -> str | None:
    if head.number == 0 and not head.digest:
        return None
    seals = (_seal(head.number, head.digest, key) for key in settings.AUDIT_KEYS)
    if any(_same(seal, head.seal) for seal in seals):
        return None
    return f"The head was edited: no key of AUDIT_KEYS signed {head}."


def _broken_link(entry: AuditEntry, previous: AuditEntry | None) -> str | None:
    due = previous.number + 1 if previous else 1
    before = previous.digest if previous else ""
    if entry.number != due:
        gone = str(due) if entry.number == due + 1 else f"{due} to {entry.number - 1}"
        return f"Removed: {gone}. Entry {entry.number} directly follows entry {due - 1}."
    if not _signed(entry):
        return _explained(entry, before)
    if not _same(entry.previous, before):
        return f"Entry {due - 1} was replaced: entry {entry.number} was written after another one."
    return None


def _explained(entry: AuditEntry, before: str) -> str:
    """Why an entry does not match its digest. Scans the table a few times, once, at the end."""
    follower = AuditEntry.objects.filter(previous=entry.digest).exclude(pk=entry.pk).first()
    for number in {follower.number - 1, *_numbers_near(entry)} if follower else _numbers_near(entry):
        if _signed(entry, number=number):
            return f"Reordered: entry {entry.number} was written as number {number}."
    if AuditEntry.objects.filter(previous=before).exclude(pk=entry.pk).exists():
        return f"Inserted: entry {entry.number} is between two entries that were written one after the other."
    return (
        f"Edited: entry {entry.number} ({entry.act}) does not match its digest. "
        "If nobody changed it, AUDIT_KEYS lacks the key that signed it."
    )


def _numbers_near(entry: AuditEntry) -> Iterator[int]:
    return (number for number in range(max(1, entry.number - 100), entry.number + 100) if number != entry.number)


def _unexpected(entry: AuditEntry, wanted: dict[int, str]) -> str | None:
    if _same(wanted.pop(entry.number, entry.digest), entry.digest):
        return None
    return f"Entry {entry.number} does not match the digest that was stored elsewhere."


def _broken_end(head: AuditHead, last: AuditEntry | None, number: int, wanted: Mapping[int, str]) -> str | None:
    reached = last.number if last else 0
    if reached < head.number:
        return f"Cut off: the trail ends at entry {reached}, but its head is at {head.number}."
    if last and not _same(last.digest, head.digest):
        return f"Entry {reached} was replaced: the head has another digest."
    if number > reached:
        return f"Inserted: entry {reached + 1} is after the head."
    if wanted:
        return f"Cut off: the trail ends at entry {reached}, but entry {max(wanted)} was stored elsewhere."
    return None


def _signed(entry: AuditEntry, *, number: int | None = None) -> bool:
    digests = (_digest(entry, key, number=number) for key in settings.AUDIT_KEYS)
    return any(_same(digest, entry.digest) for digest in digests)


def _same(one: str, other: str) -> bool:
    """Compares bytes: compare_digest accepts only ASCII text, and an attacker may write anything into the table."""
    return hmac.compare_digest(one.encode(), other.encode())


def _digest(entry: AuditEntry, key: str, *, number: int | None = None) -> str:
    names = ("by_id", "by_name", "act", "subject", "before", "after", "reason", "address", "previous")
    facts = {name: getattr(entry, name) for name in names}
    at = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    return _mac(key, "entry", _json({**facts, "number": number or entry.number, "at": at}))


def _seal(number: int, digest: str, key: str) -> str:
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
