"""Locks a simulated account. A caller that reads the account's books and writes the result must hold this lock.

Orders and trades have no locks of their own, and a new order needs none (order_entry.py). Several accounts are locked
in the order of their keys. A caller that holds an account never waits for a row of the gateway, so a reset may hold
batches and transactions when it locks one.
"""

from datetime import datetime

from django.db.models import QuerySet

from brokers.simulator.models import SimAccount
from gateway.models import Gateway


def end_sessions(account: SimAccount, *, until: datetime) -> None:
    """Ends the account's sessions that started up to then, in real time. The latest moment of two calls counts."""
    mine = SimAccount.objects.filter(pk=account.pk)
    mine.exclude(sessions_ended_until__gte=until).update(sessions_ended_until=until)


def locked_with(ref: str) -> SimAccount | None:
    """The account that placed the order `ref`, locked; None if the order never reached the broker."""
    return _with_lock(SimAccount.objects.filter(orders__ref=ref)).first()


def lock_all(gateway: Gateway) -> None:
    list(_with_lock(SimAccount.objects.filter(gateway=gateway)).values_list("pk"))


def _with_lock(accounts: QuerySet[SimAccount]) -> QuerySet[SimAccount]:
    return accounts.select_for_update(of=("self",)).order_by("pk")
