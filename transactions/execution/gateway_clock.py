"""Moves a test gateway's clock, for operators (with an audit entry) and testers."""

from datetime import timedelta

from django.db.transaction import atomic

from gateway.audit.trail import Actor
from gateway.models import Gateway
from gateway.partners import clock
from transactions.execution.requeue import return_to_present


def advance(gateway: Gateway, *, by: timedelta, actor: Actor) -> None:
    """Moves the clock forward. Raises Invalid for a wrong distance, Conflict for a live gateway or concurrent move."""
    before = gateway.clock_offset
    with atomic(durable=True):
        clock.advance(gateway, by=by)
        _record(actor, "advance clock", gateway, before)


def come_back(gateway: Gateway, *, actor: Actor | None = None) -> None:
    """Resets the clock to real time, and makes work that is due in its old future due now. Twice is safe."""
    before = gateway.clock_offset
    with atomic(durable=True):
        clock.reset(gateway)
        return_to_present(gateway, now=clock.now(gateway))
        if actor and before:
            _record(actor, "reset clock", gateway, before)


def _record(actor: Actor, act: str, gateway: Gateway, before: timedelta) -> None:
    after = {"ahead": str(gateway.clock_offset)}
    actor.record(act, f"gateway {gateway}", before={"ahead": str(before)}, after=after)
