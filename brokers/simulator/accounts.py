"""Locks a simulated account. A caller that reads the account's books and writes the result must hold this lock.

Orders and trades have no locks of their own. Several accounts are locked in the order of their keys. A caller that
holds an account never waits for a row of the gateway, so a reset may hold batches and transactions when it locks one.
"""

from django.db.models import QuerySet

from brokers.ports.broker import LiveSession
from brokers.simulator import sql
from brokers.simulator.models import SimAccount
from gateway.models import Gateway


def found(session: LiveSession) -> SimAccount | None:
    """The account, not locked, for a caller that writes nothing; None if the broker knows no such client."""
    mine = SimAccount.objects.filter(gateway=session.gateway, broker=session.broker, client_id=session.client_id)
    return mine.first()


def locked(session: LiveSession) -> SimAccount | None:
    """The account and its gateway, locked until the transaction ends; None if the broker knows no such client."""
    return sql.locked_account(session)


def locked_with(ref: str) -> SimAccount | None:
    """The account that placed the order `ref`, locked; None if the order never reached the broker."""
    return _with_lock(SimAccount.objects.filter(orders__ref=ref)).first()


def lock_all(gateway: Gateway) -> None:
    list(_with_lock(SimAccount.objects.filter(gateway=gateway)).values_list("pk"))


def _with_lock(accounts: QuerySet[SimAccount]) -> QuerySet[SimAccount]:
    return accounts.select_for_update(of=("self",)).order_by("pk")
