"""Discards a staged tradebook of which no row was applied. Only the audit trail keeps a record."""

from django.db.transaction import atomic

from gateway.audit.trail import Actor
from gateway.queue.leases import erase
from gateway.values.errors import Conflict
from transactions.reconciliation.tradebook.models import BookRow, BookTrade, RowState, Tradebook


class WasTaken(Conflict):
    """Corrections refer to this tradebook."""


class Discarded(Conflict):
    """This tradebook was discarded."""


def discard(*, tradebook: Tradebook, actor: Actor | None = None) -> None:
    """Deletes rows, trades and tradebook. A dry run has no `actor` and no audit entry. Raises WasTaken, Discarded."""
    with atomic(durable=True):
        hold(tradebook)
        rows = BookRow.objects.filter(tradebook=tradebook)
        if rows.exclude(state=RowState.WAITING).exists():
            raise WasTaken("This tradebook was applied to orders and must be kept.")
        erase(rows)
        erase(BookTrade.objects.filter(tradebook=tradebook))
        erase(Tradebook.objects.filter(pk=tradebook.pk))
        if actor:
            gone = {"name": tradebook.name, "broker": tradebook.broker, "lines": tradebook.lines}
            actor.record("discard tradebook", f"tradebook {tradebook.pk}", before=gone)


def hold(tradebook: Tradebook) -> Tradebook:
    """Locks the tradebook's row, so it is not applied while it is discarded. Raises Discarded."""
    held = Tradebook.objects.select_for_update(no_key=True).filter(pk=tradebook.pk).first()
    if held is None:
        raise Discarded("This tradebook was discarded.")
    return held
