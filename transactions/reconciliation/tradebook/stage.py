"""Stages a tradebook: reads the file, matches trades with orders in sets, and stores verdicts. Applies nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, BinaryIO, Final, TypeVar

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Count, DecimalField, Exists, F, Max, Min, OuterRef, QuerySet, Sum
from django.db.transaction import atomic

from brokers.ports.broker import Variety
from brokers.ports.registry import profile_of
from gateway.audit.trail import Actor
from gateway.values.timestamps import IST
from transactions.domain.corrections import as_kept
from transactions.domain.statuses import OrderStatus
from transactions.execution.record_updates import state_of
from transactions.models import Order
from transactions.reconciliation.tradebook.columns import Dialect
from transactions.reconciliation.tradebook.file_reader import Book, Trade, examine, trades
from transactions.reconciliation.tradebook.models import BookRow, BookTrade, Tradebook
from transactions.reconciliation.tradebook.verdicts import KnownOrder, RowVerdict, Ruling, Traded, verdict_of

AT_ONCE: Final = 5_000
MONEY: Final = DecimalField(max_digits=24, decimal_places=4)
Progress = Callable[[int, int], None]  # done, of all
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Upload:
    """`client` if the file has no client column. Orders of a client that the file does not contain have not traded."""

    name: str
    broker: str
    by: User
    dialect: Dialect | None = None
    client: str = ""


def stage(
    file: BinaryIO,
    *,
    upload: Upload,
    now: datetime,
    progress: Progress = lambda done, of: None,
    actor: Actor | None = None,
) -> Tradebook:
    """Reads the file twice, first to check it: raises Refused with the line, and stages nothing.

    Writes in short transactions of AT_ONCE rows. A tradebook whose staging died cannot be applied. A dry run has no
    `actor` and no audit entry.
    """
    profile_of(upload.broker)
    book, count = examine(file, dialect=upload.dialect)
    staged = _opened(upload, book, count, now)
    for done in _write_trades(staged, trades(file, book), upload):
        progress(done, count)
    _write_rows(_rows(staged))
    _write_rows(_unmentioned(staged))
    _distrust_what_is_named_twice(staged)
    _conclude(staged, count, actor, now)
    return staged


@contextmanager
def _unhurried() -> Iterator[None]:
    """A transaction whose commit does not wait for the disk on PostgreSQL.

    A crash of the database can only lose rows of a tradebook that is not staged yet. The commit that sets `staged_at`
    waits for the disk, and all earlier commits are then on disk, too.
    """
    with atomic(durable=True):
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL synchronous_commit TO off")
        yield


def _conclude(staged: Tradebook, count: int, actor: Actor | None, now: datetime) -> None:
    found = BookRow.objects.filter(tradebook=staged).values_list("verdict").annotate(Count("pk"))
    staged.repeated = count - staged.trades.count()
    staged.verdicts, staged.staged_at = dict(found), now
    with atomic(durable=True):
        staged.save(update_fields=["repeated", "verdicts", "staged_at"])
        if actor:
            facts = {"name": staged.name, "broker": staged.broker, "lines": staged.lines, "verdicts": staged.verdicts}
            actor.record("stage tradebook", f"tradebook {staged.pk}", after=facts)


def _opened(upload: Upload, book: Book, count: int, now: datetime) -> Tradebook:
    return Tradebook.objects.create(
        name=upload.name[:120],
        broker=upload.broker,
        dialect=book.layout.dialect.value,
        encoding=book.encoding,
        separator=book.separator,
        columns=book.layout.shown(),
        lines=count,
        uploaded_by=upload.by,
        uploaded_at=now,
        leased_until=now,
    )


def _sets(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(rows)
    while chunk := list(islice(rest, size)):
        yield chunk


def _write_trades(staged: Tradebook, read: Iterator[Trade], upload: Upload) -> Iterator[int]:
    """Yields the number of lines written so far; repeated lines are skipped."""
    done = 0
    for chunk in _sets(read, AT_ONCE):
        rows = [_book_trade(staged, trade, upload) for trade in chunk]
        with _unhurried():
            BookTrade.objects.bulk_create(rows, ignore_conflicts=True)
        done += len(chunk)
        yield done


def _book_trade(staged: Tradebook, trade: Trade, upload: Upload) -> BookTrade:
    """A trade without a number gets its line as number."""
    return BookTrade(
        tradebook_id=staged.pk,
        line=trade.line,
        order_no=trade.order_no,
        order_ref=trade.order_ref,
        trade_no=trade.trade_no or f"line {trade.line}",
        client=trade.client or upload.client,
        symbol=trade.symbol,
        side=trade.side.value,
        quantity=trade.quantity,
        price=trade.price,
        at=trade.at,
    )


def _write_rows(found: Iterator[BookRow]) -> None:
    for rows in _sets(found, AT_ONCE):
        with _unhurried():
            BookRow.objects.bulk_create(rows)


def _rows(staged: Tradebook) -> Iterator[BookRow]:
    """A row for each order that the tradebook names, matched in sets."""
    for sums in _sets(_sums(staged).iterator(chunk_size=AT_ONCE), AT_ONCE):
        orders = _Orders(staged.broker, sums)
        for one in sums:
            yield _row(staged, one, orders)


def _sums(staged: Tradebook) -> "QuerySet[BookTrade, Any]":
    """The trades of each order, summed by the database."""
    turnover = Sum(F("quantity") * F("price"), output_field=MONEY)
    return (
        BookTrade.objects.filter(tradebook=staged)
        .values("order_no", "order_ref")
        .annotate(
            first=Min("line"),
            shares=Sum("quantity"),
            turnover=turnover,
            number=Count("pk"),
            numbers=Count("trade_no", distinct=True),
            symbol_=Min("symbol"),
            symbols=Count("symbol", distinct=True),
            side_=Min("side"),
            sides=Count("side", distinct=True),
            client_=Max("client"),
            clients=Count("client", distinct=True),
        )
        .order_by("first")
    )


class _Orders:
    """The orders that a set of sums may name: two queries."""

    def __init__(self, broker: str, sums: Sequence[Mapping[str, Any]]) -> None:
        ours = Order.objects.filter(batch__account__broker=broker).select_related("batch__account", "active_correction")
        self._by_ref = {order.ref: order for order in ours.filter(ref__in={one["order_ref"] for one in sums} - {""})}
        self._by_number: dict[str | None, list[Order]] = {}
        for order in ours.filter(exchange_order_id__in={one["order_no"] for one in sums} - {""}):
            self._by_number.setdefault(order.exchange_order_id, []).append(order)

    def named(self, one: Mapping[str, Any]) -> list[Order]:
        """Matches by the broker's reference, else by the exchange's number, which may be reused on another day."""
        if one["order_ref"] in self._by_ref:
            return [self._by_ref[one["order_ref"]]]
        found = self._by_number.get(one["order_no"], [])
        alike = [o for o in found if (o.ticker, o.side) == (one["symbol_"], one["side_"])] if len(found) > 1 else found
        return alike or found


def _row(staged: Tradebook, one: Mapping[str, Any], orders: _Orders) -> BookRow:
    found = orders.named(one)
    order = found[0] if len(found) == 1 else None
    quarrel = _quarrel(one, found)
    traded = Traded(one["symbol_"], one["side_"], one["shares"], Decimal(one["turnover"]), quarrel)
    ruling = verdict_of(traded, _known(order))
    if len(found) > 1:
        ruling = Ruling(RowVerdict.CONTRADICTS, f"{len(found)} orders have this number.")
    return BookRow(
        tradebook_id=staged.pk,
        line=one["first"],
        order_no=one["order_no"],
        order_ref=one["order_ref"],
        client=one["client_"],
        symbol=one["symbol_"],
        side=one["side_"],
        trades=one["number"],
        quantity=one["shares"],
        turnover=traded.turnover,
        order=order,
        verdict=ruling.verdict.value,
        difference=ruling.difference[:200],
        can_be_applied=ruling.can_be_applied,
        order_snapshot=as_kept(state_of(order)) if order else None,
    )


def _quarrel(one: Mapping[str, Any], found: Sequence[Order]) -> str:
    """A contradiction within the tradebook, or with the order's client; "" if there is none."""
    if one["symbols"] > 1 or one["sides"] > 1:
        return "The order has trades of several names or sides."
    if one["numbers"] < one["number"]:
        return "A trade number is used twice with different contents."
    clients = {order.batch.account.client_id for order in found}
    if one["clients"] > 1 or (one["client_"] and clients and one["client_"] not in clients):
        return "The order belongs to another client."
    return ""


def _known(order: Order | None) -> KnownOrder | None:
    if order is None:
        return None
    by_book = order.active_correction is not None and order.active_correction.from_tradebook
    return KnownOrder(order.ticker, order.side, state_of(order), by_tradebook=by_book)


def _unmentioned(staged: Tradebook) -> Iterator[BookRow]:
    """Orders in ERROR of the tradebook's clients and days that it does not name: none of their shares has traded.

    Call after the named orders are written. An AMO is left out: it trades on a later day than its order.
    """
    days = BookTrade.objects.filter(tradebook=staged).aggregate(first=Min("at"), last=Max("at"))
    clients = BookTrade.objects.filter(tradebook=staged).exclude(client="").values("client").distinct()
    if days["first"] is None:
        return
    lost = Order.objects.filter(
        status=OrderStatus.ERROR,
        batch__account__broker=staged.broker,
        batch__account__client_id__in=clients,
        ordered_at__gte=_midnight(days["first"]),
        ordered_at__lt=_midnight(days["last"]) + timedelta(days=1),
    ).exclude(batch__variety=Variety.AMO)
    named = Exists(BookRow.objects.filter(tradebook=staged, order=OuterRef("pk")))
    for order in lost.filter(~named).select_related("batch__account").order_by("pk").iterator(AT_ONCE):
        yield _unmentioned_row(staged, order)


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(IST).replace(hour=0, minute=0, second=0, microsecond=0)


def _unmentioned_row(staged: Tradebook, order: Order) -> BookRow:
    traded = Traded(order.ticker, order.side, 0, Decimal(0))
    ruling = verdict_of(traded, _known(order))
    return BookRow(
        tradebook_id=staged.pk,
        line=0,
        order_ref=order.ref,
        client=order.batch.account.client_id,
        symbol=order.ticker,
        side=order.side,
        trades=0,
        quantity=0,
        turnover=Decimal(0),
        order=order,
        verdict=ruling.verdict.value,
        difference=f"The client's tradebook does not contain this order. {ruling.difference}",
        can_be_applied=ruling.can_be_applied,
        order_snapshot=as_kept(state_of(order)),
    )


def _distrust_what_is_named_twice(staged: Tradebook) -> None:
    """Contradicts orders with trades in two rows (two numbers, or with and without reference): neither is complete.

    Reads first and updates then: in one statement, PostgreSQL lacks statistics of the new rows and may count all of
    them again for each row.
    """
    rows = BookRow.objects.filter(tradebook=staged, order__isnull=False)
    twice = rows.values("order").annotate(rows=Count("pk")).filter(rows__gt=1).values_list("order", flat=True)
    for orders in _sets(twice.order_by().iterator(chunk_size=AT_ONCE), AT_ONCE):
        rows.filter(order__in=orders).update(
            verdict=RowVerdict.CONTRADICTS,
            difference="The tradebook names this order in several ways. Add up its trades and correct it by hand.",
            can_be_applied=False,
        )
