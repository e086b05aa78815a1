"""Deletes one gateway's events and deliveries. Keeps its endpoints and resets their failures."""

from gateway.models import Gateway
from gateway.queue.leases import erase
from webhooks.models import Attempt, Delivery, Endpoint, Event, Replay


def clear(gateway: Gateway) -> None:
    """Runs inside the caller's transaction. A disabled endpoint stays disabled, because a person must look at it."""
    erase(Replay.objects.filter(gateway=gateway))
    erase(Attempt.objects.filter(delivery__gateway=gateway))
    erase(Delivery.objects.filter(gateway=gateway))
    erase(Event.objects.filter(gateway=gateway))
    Endpoint.objects.filter(gateway=gateway).update(failures=0, failing_since=None)
