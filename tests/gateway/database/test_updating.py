"""Statements that are built once: every value is its own row's, whatever its column's type."""

from copy import copy
from datetime import datetime
from decimal import Decimal

import pytest
from django.db import DataError, IntegrityError, connection
from django.db.models import QuerySet
from django.db.transaction import atomic
from django.test.utils import CaptureQueriesContext

from brokers.models import Instrument
from brokers.ports.broker import Side
from gateway.database import updating
from gateway.database.compiled import compiled
from gateway.database.updating import insert_each, insert_if, insert_one, update_each, update_where
from gateway.values.ids import new_object_id
from tests import make
from transactions.domain.basket import Security
from transactions.domain.statuses import OrderStatus
from transactions.models import Order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("instruments")]
COLUMNS = ["status", "filled_quantity", "average_price", "error_code", "ordered_at", "report_log", "cancelled_by"]
UNTOUCHED: tuple[object, ...] = ("QUEUED", 0, None, None, None, [], None)


@pytest.fixture
def orders(now: datetime) -> list[Order]:
    basket = [Security(ticker, 10, Side.BUY) for ticker in ("INFY", "TCS", "ITC")]
    return make.orders(make.queued_batch(gateway=make.gateway(), securities=basket, now=now))


def stored() -> list[tuple[object, ...]]:
    return list(Order.objects.order_by("position").values_list(*COLUMNS))


def placed() -> QuerySet[Order]:
    return Order.objects.filter(status=OrderStatus.PLACED)


class TestUpdateWhere:
    def test_writes_values_of_every_type_where_all_of_it_matches(self, orders: list[Order], now: datetime) -> None:
        told = {"status": "COMPLETE", "filled_quantity": 10, "average_price": Decimal("1512.4050"), "ordered_at": now}

        changed = update_where(
            Order.objects.all, {"pk": orders[0].pk, "ticker": "INFY"}, **told, report_log=[{"100 %": "'"}]
        )

        assert changed == 1
        assert stored()[0] == ("COMPLETE", 10, Decimal("1512.4050"), None, now, [{"100 %": "'"}], None)
        assert stored()[1:] == [UNTOUCHED] * 2

    def test_writes_nothing_where_a_part_does_not_match(self, orders: list[Order]) -> None:
        assert update_where(Order.objects.all, {"pk": orders[0].pk, "ticker": "TCS"}, status="PLACED") == 0

        assert stored() == [UNTOUCHED] * 3

    def test_writes_none_and_matches_no_row_by_it(self, orders: list[Order], now: datetime) -> None:
        Order.objects.update(ordered_at=now)

        changed = [update_where(Order.objects.all, {"ordered_at": one}, ordered_at=None) for one in (None, now)]

        assert changed == [0, 3]
        assert stored() == [UNTOUCHED] * 3

    def test_leaves_what_is_not_among_the_rows(self, orders: list[Order]) -> None:
        first, second, _ = orders
        update_each([_with(first, status="PLACED")], ["status"])

        changed = [update_where(placed, {"pk": one.pk}, error_code="x") for one in (first, second)]

        assert changed == [1, 0]
        assert [row[3] for row in stored()] == ["x", None, None]

    def test_of_the_same_fields_is_built_once(self, orders: list[Order]) -> None:
        before = updating._where.cache_info().misses
        for number, order in enumerate(orders):
            update_where(placed, {"batch": order.batch_id, "pk": order.pk}, error_code=str(number))

        assert updating._where.cache_info().misses == before + 1


class TestInsertOne:
    def test_writes_every_column_as_the_instance_has_it_and_learns_its_key(
        self, orders: list[Order], now: datetime
    ) -> None:
        told = {"position": 7, "ordered_at": now, "report_log": [{"said": "100 %"}], "price": Decimal("10.50")}
        new = Order(batch=orders[0].batch, ticker="WIPRO", side="SELL", quantity=3, **told)

        with CaptureQueriesContext(connection) as asked:
            insert_one(new)

        kept = Order.objects.get(pk=new.pk)
        same = [one.attname for one in Order._meta.concrete_fields]
        assert {name: getattr(kept, name) for name in same} == {name: getattr(new, name) for name in same}
        assert len(asked) == 1

    def test_leaves_a_row_that_can_be_saved_again(self, orders: list[Order]) -> None:
        new = Order(batch=orders[0].batch, position=7, ticker="WIPRO", side="SELL", quantity=3)
        insert_one(new)

        new.quantity = 4
        new.save()

        assert list(Order.objects.filter(ticker="WIPRO").values_list("quantity", flat=True)) == [4]

    def test_refuses_one_that_is_known(self, orders: list[Order]) -> None:
        known = Order(batch=orders[0].batch, position=7, ref=orders[0].ref, ticker="WIPRO", side="BUY", quantity=1)

        with pytest.raises(IntegrityError), atomic():
            insert_one(known)

        assert len(stored()) == 3
        assert known.pk is None


@compiled
def tradable(*, symbols: list[str]) -> QuerySet[Instrument, tuple[int]]:
    return Instrument.objects.filter(symbol__in=symbols, tradable=True).order_by().values_list("pk")


class TestInsertIf:
    def test_writes_every_column_where_there_are_so_many(self, orders: list[Order], now: datetime) -> None:
        told = {"position": 7, "ordered_at": now, "report_log": [{"said": "100 %"}], "price": Decimal("10.50")}
        new = Order(batch=orders[0].batch, ticker="WIPRO", side="SELL", quantity=3, **told)

        assert insert_if(new, tradable.asked(symbols=["INFY", "TCS", "ITC"]), 3)

        kept = Order.objects.get(pk=new.pk)
        same = [one.attname for one in Order._meta.concrete_fields]
        assert {name: getattr(kept, name) for name in same} == {name: getattr(new, name) for name in same}

    @pytest.mark.parametrize("symbols", [["INFY", "TCS"], ["INFY", "TCS", "NOSUCH"], ["INFY", "TCS", "%s"]])
    def test_writes_nothing_where_there_are_not(self, orders: list[Order], symbols: list[str]) -> None:
        Instrument.objects.filter(symbol="TCS").update(tradable=False)
        new = Order(batch=orders[0].batch, position=7, ticker="WIPRO", side="SELL", quantity=3)

        assert not insert_if(new, tradable.asked(symbols=symbols), len(symbols))

        assert len(stored()) == 3
        assert new.pk is None

    @pytest.mark.servers  # SQLite knows no lengths
    def test_refuses_what_is_too_long_for_its_column(self, orders: list[Order]) -> None:
        new = Order(batch=orders[0].batch, position=7, ticker="W" * 21, side="SELL", quantity=3)

        with pytest.raises(DataError), atomic():
            insert_if(new, tradable.asked(symbols=["INFY"]), 1)

    def test_refuses_one_that_is_known(self, orders: list[Order]) -> None:
        known = Order(batch=orders[0].batch, position=7, ref=orders[0].ref, ticker="WIPRO", side="BUY", quantity=1)

        with pytest.raises(IntegrityError), atomic():
            insert_if(known, tradable.asked(symbols=["INFY"]), 1)

        assert len(stored()) == 3


class TestInsertEach:
    def test_writes_every_column_as_the_instance_has_it(self, orders: list[Order], now: datetime) -> None:
        told = {"position": 7, "ordered_at": now, "report_log": [{"said": "100 %"}], "price": Decimal("10.50")}
        new = Order(batch=orders[0].batch, ticker="WIPRO", side="SELL", quantity=3, **told)

        insert_each([new])

        kept = Order.objects.get(ref=new.ref)
        same = [one.attname for one in Order._meta.concrete_fields if not one.primary_key]
        assert {name: getattr(kept, name) for name in same} == {name: getattr(new, name) for name in same}
        assert new.pk is None

    def test_passes_over_those_that_are_known(self, orders: list[Order]) -> None:
        batch = orders[0].batch
        known = Order(batch=batch, position=7, ref=orders[0].ref, ticker="WIPRO", side="BUY", quantity=1)
        new = Order(batch=batch, position=8, ticker="ITC", side="BUY", quantity=1)

        insert_each([known, new], pass_over_known=True)

        assert list(Order.objects.order_by("position").values_list("position", flat=True)) == [0, 1, 2, 8]

    def test_learns_the_key_of_each(self, orders: list[Order], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(updating, "MOST_VALUES", 45)  # two rows in a statement
        new = [_with(orders[0], pk=None, position=number, ref=new_object_id()) for number in range(5, 10)]

        insert_each(new, learn_keys=True)

        assert [Order.objects.get(pk=one.pk).ref for one in new] == [one.ref for one in new]

    def test_refuses_those_otherwise(self, orders: list[Order]) -> None:
        known = Order(batch=orders[0].batch, position=7, ref=orders[0].ref, ticker="WIPRO", side="BUY", quantity=1)

        with pytest.raises(IntegrityError), atomic():
            insert_each([known])

        assert len(stored()) == 3

    def test_is_one_statement_until_there_are_too_many_values(
        self, orders: list[Order], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Order.objects.all().delete()
        with CaptureQueriesContext(connection) as one:
            insert_each(orders[:2])
        monkeypatch.setattr(updating, "MOST_VALUES", 25)
        with CaptureQueriesContext(connection) as two:
            insert_each([_with(orders[2], position=number, ref=new_object_id()) for number in (4, 5)])

        assert (len(one), len(two), len(stored())) == (1, 2, 4)

    def test_of_no_rows_asks_nothing(self) -> None:
        with CaptureQueriesContext(connection) as asked:
            insert_each([])

        assert len(asked) == 0


def _with(order: Order, **more: object) -> Order:
    changed = copy(order)
    for name, value in more.items():
        setattr(changed, name, value)
    return changed


class TestUpdateEach:
    def test_gives_every_row_its_own_values_of_every_type(self, orders: list[Order], now: datetime) -> None:
        first, second, _ = orders
        first.status, first.filled_quantity, first.average_price = "COMPLETE", 10, Decimal("1512.4050")
        first.ordered_at, first.report_log = now, [{"said": "it's 100 % \\ done", "shares": 10}]
        second.status, second.error_code, second.cancelled_by = "REJECTED", "marginsExceeded", second.batch.transaction

        assert update_each([second, first], COLUMNS) == 2

        assert stored() == [
            ("COMPLETE", 10, Decimal("1512.4050"), None, now, first.report_log, None),
            ("REJECTED", 0, None, "marginsExceeded", None, [], second.batch.transaction_id),
            UNTOUCHED,
        ]

    def test_takes_a_column_of_nothing_but_nulls(self, orders: list[Order], now: datetime) -> None:
        Order.objects.update(error_code="marginsExceeded", ordered_at=now, report_log=[1])

        update_each(orders, COLUMNS)

        assert stored() == [UNTOUCHED] * 3

    def test_writes_no_other_column(self, orders: list[Order]) -> None:
        for order in orders:
            order.status, order.filled_quantity = "PLACED", 7

        update_each(orders, ["status"])

        assert {row[:2] for row in stored()} == {("PLACED", 0)}

    def test_counts_those_that_are_still_there(self, orders: list[Order]) -> None:
        gone = orders[0]
        Order.objects.filter(pk=gone.pk).delete()

        assert update_each(orders, ["status"]) == 2

    def test_is_one_statement_until_there_are_too_many_values(
        self, orders: list[Order], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with CaptureQueriesContext(connection) as one:
            update_each(orders, ["status"])
        monkeypatch.setattr(updating, "MOST_VALUES", 4)
        with CaptureQueriesContext(connection) as two:
            found = update_each(orders, ["status"])

        assert (len(one), len(two), found) == (1, 2, 3)

    def test_of_no_rows_asks_nothing(self) -> None:
        with CaptureQueriesContext(connection) as asked:
            assert update_each([], ["status"]) == 0

        assert len(asked) == 0
