"""Clears one gateway's events and deliveries. The endpoints stay, their failures forgotten."""

from gateway.models import Gateway
from gateway.queue.leases import erase
from webhooks.models import Attempt, Delivery, Endpoint, Event, Replay


def clear(gateway: Gateway) -> None:
    """Inside the caller's transaction. One that was disabled remains so: somebody is to look at it."""
    erase(Replay.objects.filter(gateway=gateway))
    erase(Attempt.objects.filter(delivery__gateway=gateway))
    erase(Delivery.objects.filter(gateway=gateway))
    erase(Event.objects.filter(gateway=gateway))
    Endpoint.objects.filter(gateway=gateway).update(failures=0, failing_since=None)
