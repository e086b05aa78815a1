"""Follows a gateway's events as they are recorded."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Max

from gateway.models import Gateway
from gateway.partners import clock
from webhooks.models import Event

# Rows become visible in the order of their commits, not of their keys. A row with a lower key may be this much later.
SETTLED_SECONDS: Final = 10.0
LONG_AGO: Final = timedelta(minutes=1)  # longer than any change takes to commit
AT_ONCE: Final = 500


@dataclass
class Tail:
    """Yields each of a gateway's events once, oldest first; only of `types`, unless that is empty."""

    gateway: Gateway
    types: Collection[str] = ()
    seconds: Callable[[], float] = time.monotonic
    _below: int = 0
    _seen: dict[int, float] = field(default_factory=dict)

    def begin(self, *, since: datetime | None) -> None:
        """Starts with the events recorded since `since`, or with the next event."""
        events = Event.objects.filter(gateway=self.gateway)
        past = events.filter(created_at__lt=since) if since else events
        self._below = past.aggregate(last=Max("pk"))["last"] or 0

    def news(self) -> list[Event]:
        """The events that have become visible since the last call, at most a page."""
        events = Event.objects.filter(gateway=self.gateway, pk__gt=self._below).exclude(pk__in=list(self._seen))
        found = list(events.order_by("pk")[:AT_ONCE])
        now, long_ago = self.seconds(), clock.now(self.gateway) - LONG_AGO
        for event in found:
            self._seen[event.pk] = now - (SETTLED_SECONDS if event.created_at < long_ago else 0)
        self._settle(now)
        return [event for event in found if event.type in self.types or not self.types]

    def _settle(self, now: float) -> None:
        """Forgets events that were seen long ago: a lower bound of the key replaces them."""
        for pk in sorted(self._seen):
            if now - self._seen[pk] < SETTLED_SECONDS:
                return
            self._below = pk
            del self._seen[pk]
