"""The processes that work now, so that each takes its share of a limit that holds for all of them together.

A process that works says so every few seconds, in a row of its own; rows of processes that have ended or are idle go. A
process that joins is not counted by the others at once: until their next beat, a limit may be exceeded by its share.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from gateway.models import WorkerProcess
from gateway.values.ids import new_object_id

BEAT: Final = timedelta(seconds=2)
GONE_AFTER: Final = timedelta(seconds=10)


@dataclass
class WorkerProcesses:
    """As this process knows them. `number`: how many there are, with this one."""

    name: str = field(default_factory=new_object_id)
    number: int = 1
    beat_at: datetime | None = None

    def share_of(self, limit: int) -> int:
        """At least one, so that no process stands still."""
        return max(1, limit // self.number)

    def beat(self, *, now: datetime) -> None:
        """Call it often, in real time; it writes every BEAT at most."""
        if self.beat_at is not None and timedelta(0) <= now - self.beat_at < BEAT:
            return
        self.beat_at = now
        WorkerProcess.objects.bulk_create(
            [WorkerProcess(name=self.name, seen_at=now)],
            update_conflicts=True,
            unique_fields=["name"],
            update_fields=["seen_at"],
        )
        WorkerProcess.objects.filter(seen_at__lt=now - GONE_AFTER).delete()
        self.number = max(1, WorkerProcess.objects.count())
