"""One clock per gateway: the wall's, moved forward on test gateways by as much as their testers asked."""

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
    """The time of every rule of this gateway: expiry, market hours, fills, waits."""
    return wall() + gateway.clock_offset


def wall_at(gateway: Gateway, moment: datetime) -> datetime:
    """What the wall shows when the gateway's clock shows `moment`."""
    return moment - gateway.clock_offset


def clocks() -> Iterator[tuple[int | None, datetime]]:
    """Every clock in use: the wall's (None), then each gateway's that is ahead of it."""
    yield None, wall()
    for gateway, offset in sql.clock_offsets():
        yield gateway, wall() + offset


def advance(gateway: Gateway, *, by: timedelta) -> None:
    """Forward only; two at once add up."""
    if not timedelta(0) <= by <= FARTHEST - gateway.clock_offset:
        raise Invalid("advance: the clock moves forward only, by ten years at most.")
    _move(gateway, to=gateway.clock_offset + by)


def set_to(gateway: Gateway, *, moment: datetime) -> None:
    if moment < now(gateway):
        raise Invalid("set: the clock moves forward only; reset it to return to the present.")
    advance(gateway, by=moment - now(gateway))


def reset(gateway: Gateway) -> None:
    _move(gateway, to=timedelta(0))


def _move(gateway: Gateway, *, to: timedelta) -> None:
    seen = gateway.clock_offset
    if not Gateway.objects.filter(pk=gateway.pk, is_test=True, clock_offset=seen).update(clock_offset=to):
        raise Conflict("The clock was moved by another call; read it and try again.")
    gateway.clock_offset = to
