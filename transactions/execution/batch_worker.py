"""The batch worker: takes due batches in sets and works on them until none is due.

Forces: a statement, a commit and a message for each batch cost more than the work itself. A slow broker must not delay
the results of other brokers, nor its own earlier results. A batch that fails must not block the other batches of its
set. So links (a gateway and a broker) take turns, a set belongs to one link, or to several that answered last time,
batches that do not fit into the time are given back, and a set that fails is split: its batches are isolated and then
taken one by one. A link that fails gets one batch at a time; one that is down, a probe of one process.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic, sleep
from typing import Final

from django.db.transaction import atomic

from brokers.ports.links import links
from gateway.partners import clock
from gateway.queue import leases as work
from gateway.queue.enqueue import IDLE_GRACE_SECONDS, TaskName, enqueue_soon
from transactions import sql
from transactions.models import Batch

AT_ONCE: Final = 16
CHOSEN_FROM: Final = 256
WORK_SECONDS: Final = 1.0  # other tasks wait for this process, too
POLL_SECONDS: Final = 0.02
TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class WorkType:
    """A type of work: placing queued batches or polling placed ones.

    `work_on` returns the keys of the batches that it has worked on.
    """

    is_queued: bool
    work_on: Callable[[Sequence[int]], Sequence[int]]


@dataclass(slots=True)
class BatchWorker:
    """One per process and task. Types of work take turns, one set each.

    `served`: the time of each link's last turn. `isolated`: batches of a set that failed.
    """

    job: TaskName
    work_types: Sequence[WorkType]
    served: dict[sql.Link, float] = field(default_factory=dict)
    isolated: set[int] = field(default_factory=set)

    def work(self, *, seconds: float = WORK_SECONDS, idle_grace: float = IDLE_GRACE_SECONDS) -> int:
        """Works until nothing was due for `idle_grace`, or `seconds` are over; returns the number of batches."""
        began = worked = monotonic()
        done = 0
        while monotonic() - began < seconds:
            if number := sum(map(self._work_on_a_set, self.work_types)):
                done, worked = done + number, monotonic()
            elif not done or monotonic() - worked >= idle_grace:
                return done
            else:
                sleep(POLL_SECONDS)
        enqueue_soon(self.job)
        return done

    def _work_on_a_set(self, work_type: WorkType) -> int:
        taken = self._take(work_type)
        if not taken:
            return 0
        with ExitStack() as failing:
            failing.callback(self._split_after_failure, taken)
            failing.callback(links.save)
            done = set(work_type.work_on([batch.pk for batch in taken]))
            failing.pop_all()
        links.save()
        self.isolated -= done
        self._give_back([batch for batch in taken if batch.pk not in done])
        return len(done)

    def _take(self, work_type: WorkType) -> list[Batch]:
        """Leases a set of due batches. Tries again if another process has taken them first."""
        for _ in range(TRIES):
            chosen = self._chosen(work_type)
            if not chosen:
                break
            with atomic(durable=True):
                taken = sql.claimable_batches(chosen, is_queued=work_type.is_queued, wall=clock.wall())
                work.acquire_each(taken)
            if taken:
                return taken
        return []

    def _chosen(self, work_type: WorkType) -> list[int]:
        """The batches due longest, of the link whose last turn is longest ago."""
        clocks = dict(clock.clocks())
        found = sql.due_batches(is_queued=work_type.is_queued, clocks=clocks.items(), limit=CHOSEN_FROM)
        waiting = dict.fromkeys(link for _, link in found)
        if len(found) == CHOSEN_FROM:  # there may be others, of links that these have hidden
            waiting |= dict.fromkeys(sql.due_links(is_queued=work_type.is_queued, clocks=clocks.items()))
        link = self._next(waiting)
        if link is None:
            return []
        due = [pk for pk, of in found if of == link] or _due_of(link, work_type, clocks)
        if links.is_healthy(link):
            due += [pk for pk, of in found if of != link and links.is_healthy(of)]
        return self._together(due[:1] if links.is_failing(link) else due)

    def _next(self, waiting: Iterable[sql.Link]) -> sql.Link | None:
        """The link whose last turn is longest ago. A link that is down has a turn when this process may probe it."""
        if waiting:
            links.refresh()
        for link in sorted(waiting, key=lambda one: self.served.get(one, 0.0)):
            if not links.is_down(link) and links.may_ask(link):
                self.served[link] = monotonic()
                return link
        return None

    def _together(self, due: Sequence[int]) -> list[int]:
        """The first batches, or a single one of a set that failed."""
        company = [pk for pk in due if pk not in self.isolated][:AT_ONCE]
        return list(due[:1]) if due and due[0] in self.isolated else company

    def _split_after_failure(self, taken: Sequence[Batch]) -> None:
        """Isolates and gives back the set. A batch that failed alone is tried again after its lease."""
        if len(taken) > 1:
            self.isolated.update(batch.pk for batch in taken)
            self._give_back(taken)

    def _give_back(self, batches: Sequence[Batch]) -> None:
        for batch in batches:
            work.mine(Batch.objects.all(), batch).update(leased_until=clock.wall())
        if batches:
            enqueue_soon(self.job)


def _due_of(link: sql.Link, work_type: WorkType, clocks: Mapping[int | None, datetime]) -> list[int]:
    now = clocks.get(link[0], clocks[None])
    return sql.due_batches_of(link, is_queued=work_type.is_queued, now=now, wall=clocks[None], limit=AT_ONCE)
