"""A staged book of which nothing was taken goes; the audit trail alone says that it was there."""

from django.db.transaction import atomic

from gateway.audit.trail import Actor
from gateway.queue.leases import erase
from gateway.values.errors import Conflict
from transactions.reconciliation.tradebook.models import BookRow, BookTrade, RowState, Tradebook


class WasTaken(Conflict):
    """Corrections refer to this book."""


class Discarded(Conflict):
    """This book is there no more."""


def discard(*, tradebook: Tradebook, actor: Actor | None = None) -> None:
    """Rows, trades, book: three statements. Without `actor`, of a dry run, of which nobody is told. Raises WasTaken."""
    with atomic(durable=True):
        hold(tradebook)
        rows = BookRow.objects.filter(tradebook=tradebook)
        if rows.exclude(state=RowState.WAITING).exists():
            raise WasTaken("Orders are being settled by this book, or were: it is kept.")
        erase(rows)
        erase(BookTrade.objects.filter(tradebook=tradebook))
        erase(Tradebook.objects.filter(pk=tradebook.pk))
        if actor:
            gone = {"name": tradebook.name, "broker": tradebook.broker, "lines": tradebook.lines}
            actor.record("discard tradebook", f"tradebook {tradebook.pk}", before=gone)


def hold(tradebook: Tradebook) -> Tradebook:
    """The book's row, ours until the transaction ends: it is not applied while it is discarded. Raises Discarded."""
    held = Tradebook.objects.select_for_update(no_key=True).filter(pk=tradebook.pk).first()
    if held is None:
        raise Discarded("This book was discarded.")
    return held
