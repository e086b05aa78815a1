"""Rows written and read by plain SQL: every value is its own row's, whatever its column's type."""

import gc
import weakref
from copy import copy
from datetime import datetime
from decimal import Decimal
from threading import Thread
from typing import Any

import pytest
from django.db import DataError, IntegrityError, connection, connections
from django.db.transaction import atomic
from django.test.utils import CaptureQueriesContext

from brokers.models import Instrument
from brokers.ports.broker import Side
from gateway.database import rows
from gateway.database.rows import Computed, Only, RowReader, ValuesOf, insert_row_where, insert_rows, update_rows
from gateway.values.ids import new_object_id
from tests import make
from tests.same_rows import same
from transactions.domain.basket import Security
from transactions.models import Batch, Order, Transaction

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("instruments")]
TRADABLE = "(SELECT COUNT(*) FROM brokers_instrument WHERE symbol IN %s AND tradable) = %s"
COLUMNS = ["status", "filled_quantity", "average_price", "error_code", "ordered_at", "report_log", "cancelled_by"]
UNTOUCHED: tuple[object, ...] = ("QUEUED", 0, None, None, None, [], None)


@pytest.fixture
def orders(now: datetime) -> list[Order]:
    basket = [Security(ticker, 10, Side.BUY) for ticker in ("INFY", "TCS", "ITC")]
    return make.orders(make.queued_batch(gateway=make.gateway(), securities=basket, now=now))


def stored() -> list[tuple[object, ...]]:
    return list(Order.objects.order_by("position").values_list(*COLUMNS))


class TestInsertOfOneRow:
    def test_writes_every_column_as_the_instance_has_it_and_learns_its_key(
        self, orders: list[Order], now: datetime
    ) -> None:
        told = {"position": 7, "ordered_at": now, "report_log": [{"said": "100 %"}], "price": Decimal("10.50")}
        new = Order(batch=orders[0].batch, ticker="WIPRO", side="SELL", quantity=3, **told)

        with CaptureQueriesContext(connection) as asked:
            insert_rows([new], learn_keys=True)

        kept = Order.objects.get(pk=new.pk)
        same = [one.attname for one in Order._meta.concrete_fields]
        assert {name: getattr(kept, name) for name in same} == {name: getattr(new, name) for name in same}
        assert len(asked) == 1

    def test_leaves_a_row_that_can_be_saved_again(self, orders: list[Order]) -> None:
        new = Order(batch=orders[0].batch, position=7, ticker="WIPRO", side="SELL", quantity=3)
        insert_rows([new], learn_keys=True)

        new.quantity = 4
        new.save()

        assert list(Order.objects.filter(ticker="WIPRO").values_list("quantity", flat=True)) == [4]

    def test_refuses_one_that_is_known(self, orders: list[Order]) -> None:
        known = Order(batch=orders[0].batch, position=7, ref=orders[0].ref, ticker="WIPRO", side="BUY", quantity=1)

        with pytest.raises(IntegrityError), atomic():
            insert_rows([known], learn_keys=True)

        assert len(stored()) == 3
        assert known.pk is None


class TestInsertRowWhere:
    def test_writes_every_column_where_there_are_so_many(self, orders: list[Order], now: datetime) -> None:
        told = {"position": 7, "ordered_at": now, "report_log": [{"said": "100 %"}], "price": Decimal("10.50")}
        new = Order(batch=orders[0].batch, ticker="WIPRO", side="SELL", quantity=3, **told)

        assert insert_row_where(new, TRADABLE, ("INFY", "TCS", "ITC"), 3)

        kept = Order.objects.get(pk=new.pk)
        same = [one.attname for one in Order._meta.concrete_fields]
        assert {name: getattr(kept, name) for name in same} == {name: getattr(new, name) for name in same}

    @pytest.mark.parametrize("symbols", [["INFY", "TCS"], ["INFY", "TCS", "NOSUCH"], ["INFY", "TCS", "%s"]])
    def test_writes_nothing_where_there_are_not(self, orders: list[Order], symbols: list[str]) -> None:
        Instrument.objects.filter(symbol="TCS").update(tradable=False)
        new = Order(batch=orders[0].batch, position=7, ticker="WIPRO", side="SELL", quantity=3)

        assert not insert_row_where(new, TRADABLE, tuple(symbols), len(symbols))

        assert len(stored()) == 3
        assert new.pk is None

    @pytest.mark.servers  # SQLite knows no lengths
    def test_refuses_what_is_too_long_for_its_column(self, orders: list[Order]) -> None:
        new = Order(batch=orders[0].batch, position=7, ticker="W" * 21, side="SELL", quantity=3)

        with pytest.raises(DataError), atomic():
            insert_row_where(new, TRADABLE, ("INFY",), 1)

    def test_refuses_one_that_is_known(self, orders: list[Order]) -> None:
        known = Order(batch=orders[0].batch, position=7, ref=orders[0].ref, ticker="WIPRO", side="BUY", quantity=1)

        with pytest.raises(IntegrityError), atomic():
            insert_row_where(known, TRADABLE, ("INFY",), 1)

        assert len(stored()) == 3


class TestInsertRows:
    def test_writes_every_column_as_the_instance_has_it(self, orders: list[Order], now: datetime) -> None:
        told = {"position": 7, "ordered_at": now, "report_log": [{"said": "100 %"}], "price": Decimal("10.50")}
        new = Order(batch=orders[0].batch, ticker="WIPRO", side="SELL", quantity=3, **told)

        insert_rows([new])

        kept = Order.objects.get(ref=new.ref)
        same = [one.attname for one in Order._meta.concrete_fields if not one.primary_key]
        assert {name: getattr(kept, name) for name in same} == {name: getattr(new, name) for name in same}
        assert new.pk is None

    def test_passes_over_those_that_are_known(self, orders: list[Order]) -> None:
        batch = orders[0].batch
        known = Order(batch=batch, position=7, ref=orders[0].ref, ticker="WIPRO", side="BUY", quantity=1)
        new = Order(batch=batch, position=8, ticker="ITC", side="BUY", quantity=1)

        insert_rows([known, new], pass_over_known=True)

        assert list(Order.objects.order_by("position").values_list("position", flat=True)) == [0, 1, 2, 8]

    def test_learns_the_key_of_each(self, orders: list[Order], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rows, "MOST_VALUES", 45)  # two rows in a statement
        new = [_with(orders[0], pk=None, position=number, ref=new_object_id()) for number in range(5, 10)]

        insert_rows(new, learn_keys=True)

        assert [Order.objects.get(pk=one.pk).ref for one in new] == [one.ref for one in new]

    def test_refuses_those_otherwise(self, orders: list[Order]) -> None:
        known = Order(batch=orders[0].batch, position=7, ref=orders[0].ref, ticker="WIPRO", side="BUY", quantity=1)

        with pytest.raises(IntegrityError), atomic():
            insert_rows([known])

        assert len(stored()) == 3

    def test_is_one_statement_until_there_are_too_many_values(
        self, orders: list[Order], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Order.objects.all().delete()
        with CaptureQueriesContext(connection) as one:
            insert_rows(orders[:2])
        monkeypatch.setattr(rows, "MOST_VALUES", 25)
        with CaptureQueriesContext(connection) as two:
            insert_rows([_with(orders[2], position=number, ref=new_object_id()) for number in (4, 5)])

        assert (len(one), len(two), len(stored())) == (1, 2, 4)

    def test_of_no_rows_asks_nothing(self) -> None:
        with CaptureQueriesContext(connection) as asked:
            insert_rows([])

        assert len(asked) == 0


def _with(order: Order, **more: object) -> Order:
    changed = copy(order)
    for name, value in more.items():
        setattr(changed, name, value)
    return changed


class TestUpdateRows:
    def test_gives_every_row_its_own_values_of_every_type(self, orders: list[Order], now: datetime) -> None:
        first, second, _ = orders
        first.status, first.filled_quantity, first.average_price = "COMPLETE", 10, Decimal("1512.4050")
        first.ordered_at, first.report_log = now, [{"said": "it's 100 % \\ done", "shares": 10}]
        second.status, second.error_code, second.cancelled_by = "REJECTED", "marginsExceeded", second.batch.transaction

        assert update_rows([second, first], COLUMNS) == 2

        assert stored() == [
            ("COMPLETE", 10, Decimal("1512.4050"), None, now, first.report_log, None),
            ("REJECTED", 0, None, "marginsExceeded", None, [], second.batch.transaction_id),
            UNTOUCHED,
        ]

    def test_takes_a_column_of_nothing_but_nulls(self, orders: list[Order], now: datetime) -> None:
        Order.objects.update(error_code="marginsExceeded", ordered_at=now, report_log=[1])

        update_rows(orders, COLUMNS)

        assert stored() == [UNTOUCHED] * 3

    def test_writes_no_other_column(self, orders: list[Order]) -> None:
        for order in orders:
            order.status, order.filled_quantity = "PLACED", 7

        update_rows(orders, ["status"])

        assert {row[:2] for row in stored()} == {("PLACED", 0)}

    def test_counts_those_that_are_still_there(self, orders: list[Order]) -> None:
        gone = orders[0]
        Order.objects.filter(pk=gone.pk).delete()

        assert update_rows(orders, ["status"]) == 2

    def test_is_one_statement_until_there_are_too_many_values(
        self, orders: list[Order], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with CaptureQueriesContext(connection) as one:
            update_rows(orders, ["status"])
        monkeypatch.setattr(rows, "MOST_VALUES", 4)
        with CaptureQueriesContext(connection) as two:
            found = update_rows(orders, ["status"])

        assert (len(one), len(two), found) == (1, 2, 3)

    def test_of_no_rows_asks_nothing(self) -> None:
        with CaptureQueriesContext(connection) as asked:
            assert update_rows([], ["status"]) == 0

        assert len(asked) == 0


class TestRowReader:
    def test_reads_every_type_as_django_does(self, orders: list[Order], now: datetime) -> None:
        first = orders[0]
        first.price, first.ordered_at, first.report_log = Decimal("10.50"), now, [{"said": "100 %"}]
        first.status, first.average_price, first.filled_quantity = "PARTIAL", Decimal("1512.4050"), 1
        first.save()

        found = RowReader(o=Order).select_each("FROM transactions_order o ORDER BY o.position")

        assert same(found, Order.objects.order_by("position"))

    def test_makes_rows_that_can_be_saved(self, orders: list[Order]) -> None:
        (found,) = RowReader(o=Order).select_each("FROM transactions_order o WHERE o.id = %s", orders[0].pk)

        found.ticker = "WIPRO"
        found.save()

        assert Order.objects.get(pk=orders[0].pk).ticker == "WIPRO"

    @pytest.mark.parametrize("key", ["", "o.batch_id"])
    def test_reads_only_some_fields_and_others_when_they_are_asked_for(self, orders: list[Order], key: str) -> None:
        reader = RowReader(o=ValuesOf(Order, "id"), b=Only(Batch, "status", "batch_id", key=key))
        join = "" if key else "JOIN transactions_batch b ON b.id = o.batch_id"

        found = reader.select(f"FROM transactions_order o {join} ORDER BY o.position")

        batch = orders[0].batch
        assert [pk for pk, _ in found] == [order.pk for order in orders]
        assert same([one for _, one in found], [Batch.objects.only("status", "batch_id").get(pk=batch.pk)] * 3)
        assert found[0][1].created_at == batch.created_at

    @pytest.mark.parametrize("key", ["", "o.cancelled_by_id"])
    def test_has_none_where_an_outer_join_finds_no_row(self, orders: list[Order], key: str) -> None:
        Order.objects.filter(pk=orders[1].pk).update(cancelled_by=orders[1].batch.transaction_id)
        reader = RowReader(t=Only(Transaction, "intent", key=key))
        join = "" if key else "LEFT JOIN transactions_transaction t ON t.id = o.cancelled_by_id"

        found = reader.select_each(f"FROM transactions_order o {join} ORDER BY o.position")

        assert found == [None, orders[1].batch.transaction, None]

    def test_converts_what_is_computed(self, orders: list[Order]) -> None:
        Order.objects.update(price=Decimal("10.05"))
        price = rows.column(Order, "price")

        found = RowReader(total=Computed("SUM(o.price)", price)).select_each("FROM transactions_order o")

        assert [str(one) for one in found] == ["30.15"]

    @pytest.mark.parametrize("symbols", [("INFY",), ("INFY", "TCS"), ("%s", "x' or 'a' = 'a", '"', "{}", "é")])
    def test_takes_lists_and_moments_for_nothing_but_values(
        self, orders: list[Order], now: datetime, symbols: tuple[str, ...]
    ) -> None:
        Order.objects.update(ordered_at=now)
        reader, rest = RowReader(o=ValuesOf(Order, "ticker")), "FROM transactions_order o WHERE o.ticker IN %s"

        found = reader.select_each(f"{rest} AND o.ordered_at = %s ORDER BY o.position", symbols, now)

        assert found == [one for one in ("INFY", "TCS", "ITC") if one in symbols]
        assert reader.select_each(f"{rest} AND o.ordered_at > %s", symbols, now) == []

    def test_does_not_ask_for_an_empty_list(self, orders: list[Order]) -> None:
        with CaptureQueriesContext(connection) as asked:
            assert RowReader(o=Order).select_each("FROM transactions_order o WHERE o.ticker IN %s", ()) == []

        assert len(asked) == 0

    def test_keeps_no_connection_of_the_thread_that_read_first(self, transactional_db: None) -> None:
        theirs: list[weakref.ref[Any]] = []
        reader = RowReader(o=Order)

        def read() -> None:
            theirs.append(weakref.ref(connections["default"]))
            reader.select_each("FROM transactions_order o")
            connections["default"].connection.close()  # Django leaves one to a SQLite in memory open

        thread = Thread(target=read)
        thread.start()
        thread.join()
        gc.collect()

        assert (len(theirs), theirs[0]()) == (1, None)


class TestDeleteRows:
    def test_erases_those_of_the_keys_in_parts(self, orders: list[Order], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rows, "MOST_VALUES", 1)
        first, second, third = (order.pk for order in orders)

        assert rows.delete_rows(Order, [first, third, 999_999]) == 2
        assert rows.delete_rows(Order, []) == 0

        assert list(Order.objects.values_list("pk", flat=True)) == [second]
