"""A test gateway's clock, moved by an operator and recorded, or by its testers."""

from datetime import timedelta

from django.db.transaction import atomic

from gateway.audit.trail import Actor
from gateway.models import Gateway
from gateway.partners import clock
from transactions.execution.requeue import return_to_present


def advance(gateway: Gateway, *, by: timedelta, actor: Actor) -> None:
    """Raises Invalid for what goes back or too far, Conflict on a live gateway or beside another move."""
    before = gateway.clock_offset
    with atomic(durable=True):
        clock.advance(gateway, by=by)
        _record(actor, "advance clock", gateway, before)


def come_back(gateway: Gateway, *, actor: Actor | None = None) -> None:
    """To the wall's time; what waited for a moment of the time it came from waits no longer. Twice is once."""
    before = gateway.clock_offset
    with atomic(durable=True):
        clock.reset(gateway)
        return_to_present(gateway, now=clock.now(gateway))
        if actor and before:
            _record(actor, "reset clock", gateway, before)


def _record(actor: Actor, act: str, gateway: Gateway, before: timedelta) -> None:
    after = {"ahead": str(gateway.clock_offset)}
    actor.record(act, f"gateway {gateway}", before={"ahead": str(before)}, after=after)
