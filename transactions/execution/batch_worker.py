"""The batch worker: takes due batches in sets, keeps many calls of brokers in flight, and records what they answer.

Forces: a broker is far away, and a commit for each order costs more than the work itself. A slow broker must not delay
the others, and no call may start before a commit says that it may have. So calls run in threads, and this one thread
writes: what was answered and what is sent next, of many batches, in one transaction. A set belongs to one link (a
gateway and a broker), and links take turns. A write that fails is split: its batches are isolated and written one by
one.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic, sleep
from typing import Final

from cryptography.fernet import InvalidToken
from django.db.transaction import atomic

from brokers import sql as brokers
from brokers.models import BrokerSession
from brokers.ports.broker import LiveSession, Refused, SessionEnded, Unreachable
from brokers.ports.links import links
from brokers.ports.outages import Link
from brokers.sessions import live_session
from gateway.partners import clock
from gateway.queue import leases
from gateway.queue.enqueue import IDLE_GRACE_SECONDS, TaskName, enqueue_soon
from transactions import sql
from transactions.execution.broker_calls import GATHER_SECONDS, BrokerCalls, Question
from transactions.execution.placement import Placement, is_left_out, is_turn_to_read, is_unsent, take_over
from transactions.execution.polling import BookRead
from transactions.execution.price_check import moved_since_quoted
from transactions.execution.read_batches import read
from transactions.execution.record_work import Send, Work, record
from transactions.models import Batch

log = logging.getLogger(__name__)
AT_ONCE: Final = 16
CHOSEN_FROM: Final = 256
WORK_SECONDS: Final = 1.0  # other tasks wait for this process, too
POLL_SECONDS: Final = 0.02
TRIES: Final = 3
KINDS: Final = (True, False)  # is_queued: batches to place and batches to poll take turns
NO_SESSION: Final = "The user has to log in again."
NOT_YET: Final = "The broker does not respond, and it is not time to ask again."


@dataclass
class BatchWorker:
    """One per process. `served`: the time of each link's last turn. `isolated`: batches of a write that failed."""

    calls: BrokerCalls
    served: dict[Link, float] = field(default_factory=dict)
    isolated: set[int] = field(default_factory=set)
    active: list[Work] = field(default_factory=list)

    def work(self, *, seconds: float = WORK_SECONDS, idle_grace: float = IDLE_GRACE_SECONDS) -> int:
        """Works until nothing was due for `idle_grace`, or `seconds` are over; returns the number of batches.

        Calls in flight are waited for; other links continue while one is slow.
        """
        began = worked = monotonic()
        done = 0
        self.calls.share(now=clock.wall())
        while True:
            is_over = monotonic() - began >= seconds
            if not is_over or self.calls.has_slow():
                self._take_due()
            else:
                self._stop_new_runs()
            if finished := self.step():
                done, worked = done + finished, monotonic()
            if self.active or (finished and not is_over):
                continue
            if is_over:
                enqueue_soon(TaskName.PLACE_BATCHES)
                return done
            if not done or monotonic() - worked >= idle_grace:
                return done
            sleep(POLL_SECONDS)

    def begin(self, keys: Sequence[int]) -> None:
        """Starts the work on batches that this worker has leased."""
        rows = read(keys)
        sessions = brokers.live_sessions({batch.account_id for batch, _ in rows})
        moved = moved_since_quoted(rows)
        reads: dict[int, BookRead] = {}
        for batch, orders in rows:
            row = sessions.get(batch.account_id)
            session = _opened(batch, row) if row else None
            if row and session is None:
                continue
            taken_over = take_over(orders)
            is_ours_to_place = any(map(is_unsent, orders)) or is_left_out(orders)
            if is_ours_to_place and not (taken_over or is_turn_to_read(batch, orders)):
                self.active.append(placement := Placement(batch, orders, session))
                placement.give_up(moved=moved.get(batch.pk, ()), now=clock.now(batch.gateway))
                continue
            mine = reads.setdefault(batch.account_id, BookRead(batch.account, session))
            mine.rows.append((batch, orders))
            mine.taken_over += taken_over
        self.active += reads.values()

    def step(self) -> int:
        """Hears what was answered, writes it with what is sent next, and sends. Returns how many batches are done."""
        for answer in self.calls.answers(wait=GATHER_SECONDS if self.calls.in_flight else 0.0):
            subject = answer.subject
            if not isinstance(answer.error, Refused | Unreachable | SessionEnded | None):
                self._drop(subject, answer.error)
            elif isinstance(subject, Send):
                subject.placement.apply_answer(subject.order, answer, now=clock.now(subject.placement.batch.gateway))
            elif isinstance(subject, BookRead):
                subject.apply_answer(answer)
        links.save()
        self._read_books()
        sends = self._next_sends()
        finished = [work for work in self.active if work.is_done]
        self.active = [work for work in self.active if not work.is_done]
        return self._record(finished, sends)

    def _read_books(self) -> None:
        for work in self.active:
            if isinstance(work, BookRead) and not (work.is_asked or work.is_done):
                work.obstacle = self._obstacle(work)
                work.is_done = work.obstacle is not None
                if work.obstacle is None and (since := self.calls.reserve(work.link)) is not None:
                    self._start(work, since, work, work.question(now=clock.now(work.account.gateway)))

    def _next_sends(self) -> list[Send]:
        """Orders to send now; their calls count as in flight from here on."""
        sends = []
        for work in self.active:
            if isinstance(work, Placement):
                if not (work.in_flight or work.obstacle):
                    work.obstacle = self._obstacle(work)
                for order in work.sendable():
                    if (since := self.calls.reserve(work.link)) is None:
                        break
                    sends.append(Send(work, order, since))
        return sends

    def _obstacle(self, work: Work) -> Unreachable | SessionEnded | None:
        """Why a broker need not be asked."""
        session = work.session
        if session is None or (session.ends_at and session.ends_at <= clock.now(work.account.gateway)):
            return SessionEnded(NO_SESSION)
        return Unreachable(NOT_YET, may_have_arrived=False) if links.is_down(work.link) else None

    def _record(self, finished: Sequence[Work], sends: Sequence[Send]) -> int:
        """In one transaction, batches that failed before apart. Then the calls start whose batches are still ours."""
        for work in (one for one in finished if self._is_isolated(one)):
            self._write([work], (), ())
        self._write([one for one in finished if not self._is_isolated(one)], list(self.active), sends)
        self.isolated -= {batch.pk for work in finished for batch in work.batches}
        return sum(len(work.batches) for work in finished)

    def _write(self, finished: Sequence[Work], going_on: Sequence[Work], sends: Sequence[Send]) -> None:
        with ExitStack() as failing:
            failing.callback(self._split_after_failure, [*finished, *going_on], sends)
            lost = record(finished, going_on, sends)
            failing.pop_all()
        self.active = [work for work in self.active if work not in lost]
        for send in sends:
            placement = send.placement
            if placement in lost:
                self.calls.release(placement.link, send.since)
            else:
                question = placement.question(send.order, now=clock.now(placement.batch.gateway))
                self._start(placement, send.since, send, question)

    def _start(self, work: Work, since: float, subject: object, question: Question) -> None:
        """If an adapter's mistake is raised here, its batch is tried again after the lease."""
        with ExitStack() as failing:
            failing.callback(self.active.remove, work)
            self.calls.start(work.link, since, subject, question)
            failing.pop_all()

    def _drop(self, subject: object, error: BaseException) -> None:
        """After an adapter's mistake in a thread. The batch is tried again after its lease, the order looked for."""
        work = subject.placement if isinstance(subject, Send) else subject
        log.error("A call of a broker failed inside the gateway.", exc_info=error)
        self.active = [one for one in self.active if one is not work]

    def _stop_new_runs(self) -> None:
        """The time is over: runs that have sent an order finish, and no other begins."""
        for work in self.active:
            if isinstance(work, Placement):
                work.stop_if_unsent()

    def _is_isolated(self, work: Work) -> bool:
        return any(batch.pk in self.isolated for batch in work.batches)

    def _take_due(self) -> None:
        for is_queued in KINDS:
            if sum(len(work.batches) for work in self.active) < self.calls.at_once:
                self.begin([batch.pk for batch in self._take(is_queued=is_queued)])

    def _take(self, *, is_queued: bool) -> list[Batch]:
        """Leases a set of due batches. Tries again if another process has taken them first."""
        for _ in range(TRIES):
            chosen = self._chosen(is_queued=is_queued)
            if not chosen:
                break
            if not is_queued:
                chosen = sql.with_open_batches_of_their_accounts(chosen)
            with atomic(durable=True):
                taken = sql.claimable_batches(chosen, is_queued=is_queued, wall=clock.wall())
                leases.acquire_each(taken)
            if taken:
                return taken
        return []

    def _chosen(self, *, is_queued: bool) -> list[int]:
        """The batches due longest, of the link whose last turn is longest ago."""
        clocks = dict(clock.clocks())
        found = sql.due_batches(is_queued=is_queued, clocks=clocks.items(), limit=CHOSEN_FROM)
        links_due = dict.fromkeys(link for _, link in found)
        if len(found) == CHOSEN_FROM:  # there may be others, of links that these have hidden
            links_due |= dict.fromkeys(sql.due_links(is_queued=is_queued, clocks=clocks.items()))
        if links_due:
            links.refresh()
        open_links = [link for link in links_due if self._may_take(link, is_queued=is_queued)]
        if not open_links:
            return []
        link = min(open_links, key=lambda one: self.served.get(one, 0.0))
        self.served[link] = monotonic()
        due = [pk for pk, of in found if of == link] or _due_of(link, clocks, is_queued=is_queued)
        is_probe = not is_queued and links.is_failing(link)  # one order book says enough
        return self._together(due, number=1 if is_probe else self._set_size(link))

    def _set_size(self, link: Link) -> int:
        """Batches that would only wait for their calls are left to other workers."""
        return AT_ONCE if self.calls.at_once == 1 else max(1, min(AT_ONCE, self.calls.free(link)))

    def _may_take(self, link: Link, *, is_queued: bool) -> bool:
        """Queued batches have a deadline, also while the circuit of their link is open."""
        return self.calls.admits(link) or (is_queued and links.is_down(link))

    def _together(self, due: Sequence[int], *, number: int) -> list[int]:
        """The first batches, or a single one of a set that failed."""
        company = [pk for pk in due if pk not in self.isolated][:number]
        return list(due[:1]) if due and due[0] in self.isolated else company

    def _split_after_failure(self, works: Sequence[Work], sends: Sequence[Send]) -> None:
        """Isolates and gives back the batches of a write. A batch that failed alone is tried again after its lease."""
        for send in sends:
            self.calls.release(send.placement.link, send.since)
        self.active = [work for work in self.active if work not in works]
        batches = [batch for work in works for batch in work.batches]
        if len(batches) > 1:
            self.isolated.update(batch.pk for batch in batches)
            for batch in batches:
                leases.mine(Batch.objects.all(), batch).update(leased_until=clock.wall())
            enqueue_soon(TaskName.PLACE_BATCHES)


def _opened(batch: Batch, row: BrokerSession) -> LiveSession | None:
    """None if no key decrypts it. The batch is retried after its lease; the other batches continue."""
    try:
        return live_session(batch.account, row)
    except InvalidToken:
        log.error(
            "Batch %s waits: no key in ENCRYPTION_KEYS decrypts its login. Restore the key that encrypted it.", batch
        )
        return None


def _due_of(link: Link, clocks: Mapping[int | None, datetime], *, is_queued: bool) -> list[int]:
    now = clocks.get(link[0], clocks[None])
    return sql.due_batches_of(link, is_queued=is_queued, now=now, wall=clocks[None], limit=AT_ONCE)
