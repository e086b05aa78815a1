"""A staged book of which nothing was taken goes without a trace."""

from django.db.transaction import atomic

from gateway.errors import Conflict
from gateway.work import erase
from transactions.tradebook.models import BookRow, BookTrade, RowState, Tradebook


class WasTaken(Conflict):
    """Settlements refer to this book."""


def discard(*, tradebook: Tradebook) -> None:
    """Rows, trades, book: three statements. Raises WasTaken."""
    with atomic(durable=True):
        rows = BookRow.objects.filter(tradebook=tradebook)
        if rows.exclude(state=RowState.WAITING).exists():
            raise WasTaken("Orders are being settled by this book, or were: it is kept.")
        erase(rows)
        erase(BookTrade.objects.filter(tradebook=tradebook))
        erase(Tradebook.objects.filter(pk=tradebook.pk))
