"""Users' sessions at their brokers: a login starts one, the broker ends it, and only another login helps then.

A session belongs to the account: every open order of the account is asked about with it. A worker locks a batch before
it ends a session; a login revives only batches that wait, which no worker holds, so the two cannot deadlock.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Exists, F, OuterRef, Q
from django.db.transaction import atomic

from brokers import sql
from brokers.models import ERASED, BrokerSession
from brokers.ports.broker import LiveSession
from gateway.database.encryption import encrypt
from gateway.database.rows import update_rows
from gateway.models import Account
from gateway.partners import clock
from gateway.queue.enqueue import TaskName, enqueue_soon
from gateway.telemetry import request_id
from transactions.api import payloads
from transactions.domain.statuses import OPEN_BATCH, BatchStatus, TransactionStatus
from transactions.models import Batch, Transaction
from webhooks.events.event_types import EventType
from webhooks.events.record_events import EventDraft, record_events

UNUSED_AFTER: Final = timedelta(days=1)
OPEN: Final = sorted({*OPEN_BATCH, BatchStatus.QUEUED})


def start_session(account: Account, session: LiveSession, *, now: datetime) -> None:
    """Replaces the account's live session, and makes batches that wait for a login due. In the caller's transaction."""
    token = encrypt(session.token)
    sql.start_session(account=account.pk, encrypted_token=token, started_at=now, ends_at=session.ends_at)
    waiting = Batch.objects.filter(account=account, session_ended_at__isnull=False)
    revived = waiting.update(
        session_ended_at=None,
        due_at=now,
        leased_until=clock.wall(),
        attempts=F("attempts") + 1,
        request_id=request_id.current(),
    )
    if revived:
        enqueue_soon(TaskName.SYNC_BATCHES)


def end_session(account: Account, session: LiveSession, *, now: datetime) -> None:
    """As `end_sessions`, for one."""
    end_sessions([(account, session, now)])


def end_sessions(sessions: Iterable[tuple[Account, LiveSession, datetime]]) -> None:
    """Ends the sessions and records their events, in the same number of statements for many as for one.

    Each with the gateway's time. Twice is safe: a session that had ended, or that a login has replaced, is left alone.
    """
    asked = {(account.pk, session.started_at): (account, now) for account, session, now in sessions}
    accounts = {account for account, _ in asked}
    with atomic():
        live = BrokerSession.objects.select_for_update().filter(account__in=accounts, ended_at__isnull=True)
        rows = [row for row in live.order_by("pk") if (row.account_id, row.started_at) in asked]
        ended = [asked[row.account_id, row.started_at] for row in rows]
        for row, (_, now) in zip(rows, ended, strict=True):
            row.ended_at, row.end_reason, row.encrypted_token = now, BrokerSession.End.BY_BROKER, ERASED
        update_rows(rows, ["ended_at", "end_reason", "encrypted_token"])
        open_ones = _open_batches([account for account, _ in ended])
        record_events(
            *(
                EventDraft(
                    gateway=account.gateway,
                    kind=EventType.SESSION_ENDED,
                    subject=account.auth_id,
                    payload=payloads.session_ended(account, open_ones[account.pk], now),
                    now=now,
                )
                for account, now in ended
            )
        )


def _open_batches(accounts: Sequence[Account]) -> Mapping[int, Sequence[str]]:
    """Batch ids by account, in the order of their confirmation."""
    found: dict[int, list[str]] = {account.pk: [] for account in accounts}
    rows = Batch.objects.filter(account__in=found, status__in=OPEN).order_by("pk")
    for account, batch_id in rows.values_list("account_id", "batch_id") if found else ():
        found[account].append(batch_id)
    return found


def end_unused_sessions() -> int:
    """Erases tokens of sessions older than a day whose accounts have nothing open. A confirmation asks for a login."""
    of_account = Q(account=OuterRef("account"))
    asked_about = Batch.objects.filter(of_account & (Q(due_at__isnull=False) | Q(session_ended_at__isnull=False)))
    logged_in = Transaction.objects.filter(of_account, status=TransactionStatus.USED, expires_at__gt=clock.wall())
    old = BrokerSession.objects.filter(ended_at__isnull=True, started_at__lt=clock.wall() - UNUSED_AFTER)
    unused = old.filter(~Exists(asked_about), ~Exists(logged_in))
    return unused.update(ended_at=clock.wall(), end_reason=BrokerSession.End.UNUSED, encrypted_token=ERASED)
