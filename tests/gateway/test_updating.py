"""Many rows in one UPDATE: what each gets is its own, whatever its column's type."""

from datetime import datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from brokers.port import Side
from gateway import updating
from gateway.updating import update_each
from tests import make
from transactions.baskets import Security
from transactions.models import Order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("instruments")]
COLUMNS = ["status", "filled_quantity", "average_price", "error_code", "ordered_at", "words", "cancelled_by"]
UNTOUCHED: tuple[object, ...] = ("QUEUED", 0, None, None, None, [], None)


@pytest.fixture
def orders(now: datetime) -> list[Order]:
    basket = [Security(ticker, 10, Side.BUY) for ticker in ("INFY", "TCS", "ITC")]
    return make.orders(make.queued_batch(gateway=make.gateway(), securities=basket, now=now))


def stored() -> list[tuple[object, ...]]:
    return list(Order.objects.order_by("position").values_list(*COLUMNS))


class TestUpdateEach:
    def test_gives_every_row_its_own_values_of_every_type(self, orders: list[Order], now: datetime) -> None:
        first, second, _ = orders
        first.status, first.filled_quantity, first.average_price = "COMPLETE", 10, Decimal("1512.4050")
        first.ordered_at, first.words = now, [{"said": "it's 100 % \\ done", "shares": 10}]
        second.status, second.error_code, second.cancelled_by = "REJECTED", "marginsExceeded", second.batch.transaction

        assert update_each([second, first], COLUMNS) == 2

        assert stored() == [
            ("COMPLETE", 10, Decimal("1512.4050"), None, now, first.words, None),
            ("REJECTED", 0, None, "marginsExceeded", None, [], second.batch.transaction_id),
            UNTOUCHED,
        ]

    def test_takes_a_column_of_nothing_but_nulls(self, orders: list[Order], now: datetime) -> None:
        Order.objects.update(error_code="marginsExceeded", ordered_at=now, words=[1])

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
