"""Records events at a steady rate: `python -m benchmarks.recording GATEWAY RATE SECONDS`; prints their number."""

import sys
import time
from typing import Final

import django

django.setup()

from django.db.transaction import atomic  # noqa: E402 - Django had to be set up

from gateway.models import Gateway  # noqa: E402 - Django had to be set up
from gateway.partners import clock  # noqa: E402 - Django had to be set up
from gateway.values.ids import new_object_id  # noqa: E402 - Django had to be set up
from webhooks.events.event_types import EventType  # noqa: E402 - Django had to be set up
from webhooks.events.record_events import EventDraft, record_events  # noqa: E402 - Django had to be set up

PAYLOAD: Final = {"smallcaseAuthId": "5d8dc01c1446386d96c4832f", "orders": [{"tradingsymbol": "INFY"}] * 10}


def main(name: str, rate: float, seconds: float) -> None:
    """A late event is recorded at once, so the rate is kept as long as the machine can."""
    gateway = Gateway.objects.get(name=name)
    began, number = time.monotonic(), 0
    while (now := time.monotonic()) < began + seconds:
        time.sleep(max(0.0, began + number / rate - now))  # a steady rate
        record(gateway)
        number += 1
    print(number)


def record(gateway: Gateway) -> None:
    with atomic():
        record_events(
            EventDraft(
                gateway=gateway,
                kind=EventType.ORDER_PLACED,
                subject=new_object_id(),
                sequence=1,
                payload={**PAYLOAD, "recordedAt": time.time()},
                now=clock.now(gateway),
            )
        )


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]))
