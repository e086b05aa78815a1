"""The batch worker: takes due batches in sets and works on them, until none is due.

Forces: a statement, a commit and a message for each batch cost more than what is done to it; a broker that is slow must
not keep the answers of the others, nor its own earlier ones; and a batch that cannot be worked on must not keep its
company from being. So a set is of one broker, brokers take turns, what is not come to in time is given back, and a set
that fails is split: its batches are isolated, and taken one by one from then on.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Final

from django.db.transaction import atomic

from gateway.partners import clock
from gateway.queue import leases as work
from gateway.queue.enqueue import IDLE_GRACE_SECONDS, TaskName, enqueue_soon
from transactions import sql
from transactions.models import Batch

AT_ONCE: Final = 16
CHOSEN_FROM: Final = 256
WORK_SECONDS: Final = 1.0  # others wait for this process as well
POLL_SECONDS: Final = 0.02
TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class WorkType:
    """A type of work: batches that are not placed yet or those that are, and the function that works on them.

    It returns the keys that it has worked on.
    """

    is_queued: bool
    work_on: Callable[[Sequence[int]], Sequence[int]]


@dataclass(slots=True)
class BatchWorker:
    """One per process and task. Its types of work take turns as well, a set of each.

    `served`: when each broker last had its turn. `isolated`: batches that were in a set that failed.
    """

    job: TaskName
    work_types: Sequence[WorkType]
    served: dict[str, float] = field(default_factory=dict)
    isolated: set[int] = field(default_factory=set)

    def work(self, *, seconds: float = WORK_SECONDS, idle_grace: float = IDLE_GRACE_SECONDS) -> int:
        """Until nothing has been due for `idle_grace` after the last set, or the time is over; returns how many."""
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
            done = set(work_type.work_on([batch.pk for batch in taken]))
            failing.pop_all()
        self.isolated -= done
        self._give_back([batch for batch in taken if batch.pk not in done])
        return len(done)

    def _take(self, work_type: WorkType) -> list[Batch]:
        """Another process may have been quicker; what it has taken is not chosen again."""
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
        """The longest due of the broker whose last turn is longest ago."""
        found = sql.due_batches(is_queued=work_type.is_queued, clocks=clock.clocks(), limit=CHOSEN_FROM)
        if not found:
            return []
        broker = min(dict.fromkeys(broker for _, broker in found), key=lambda one: self.served.get(one, 0.0))
        self.served[broker] = monotonic()
        first, *others = [pk for pk, of in found if of == broker]
        company = [] if first in self.isolated else [pk for pk in others if pk not in self.isolated]
        return [first, *company[: AT_ONCE - 1]]

    def _split_after_failure(self, taken: Sequence[Batch]) -> None:
        """Who failed alone is tried again when the lease has lapsed."""
        if len(taken) > 1:
            self.isolated.update(batch.pk for batch in taken)
            self._give_back(taken)

    def _give_back(self, batches: Sequence[Batch]) -> None:
        for batch in batches:
            work.mine(Batch.objects.all(), batch).update(leased_until=clock.wall())
        if batches:
            enqueue_soon(self.job)
