"""Each gateway's clock: real time, moved forward on test gateways by their testers."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils import timezone

from gateway.models import Gateway
from gateway.partners import sql
from gateway.values.errors import Conflict, Invalid

FARTHEST = timedelta(days=366 * 10)


def wall() -> datetime:
    return timezone.now()


def now(gateway: Gateway) -> datetime:
    """The time for every rule of this gateway: expiry, market hours, fills, waits."""
    return wall() + gateway.clock_offset


def wall_at(gateway: Gateway, moment: datetime) -> datetime:
    """The real time at which the gateway's clock shows `moment`."""
    return moment - gateway.clock_offset


def clocks() -> Iterator[tuple[int | None, datetime]]:
    """Every clock in use: real time (None), and each gateway's clock that is ahead of it."""
    yield None, wall()
    for gateway, offset in sql.clock_offsets():
        yield gateway, wall() + offset


def advance(gateway: Gateway, *, by: timedelta) -> None:
    """Moves the clock forward by `by`; two simultaneous calls add up."""
    if not timedelta(0) <= by <= FARTHEST - gateway.clock_offset:
        raise Invalid("advance: the clock moves forward only, and at most ten years.")
    _move(gateway, to=gateway.clock_offset + by)


def set_to(gateway: Gateway, *, moment: datetime) -> None:
    if moment < now(gateway):
        raise Invalid("set: the clock moves forward only; reset it to return to the present.")
    advance(gateway, by=moment - now(gateway))


def reset(gateway: Gateway) -> None:
    """Returns the clock to real time; rows with later times stay as they are."""
    _move(gateway, to=timedelta(0))


def _move(gateway: Gateway, *, to: timedelta) -> None:
    seen = gateway.clock_offset
    if not Gateway.objects.filter(pk=gateway.pk, is_test=True, clock_offset=seen).update(clock_offset=to):
        raise Conflict("Another call moved the clock; read it and try again.")
    gateway.clock_offset = to
