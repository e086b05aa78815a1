"""A tradebook is staged with verdicts; nothing is applied."""

import io
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from brokers.ports.broker import Side
from gateway.models import Gateway
from tests import make
from tests.transactions.reconciliation.reconciling import Scene, complete, lost, settled, support
from tests.transactions.reconciliation.tradebook.books import HEADER, exported, line, rows, staged
from transactions.domain.basket import Security
from transactions.models import Batch, Order, OrderCorrection
from transactions.reconciliation.tradebook import stage
from transactions.reconciliation.tradebook.file_reader import UnreadableTradebook
from transactions.reconciliation.tradebook.models import BookRow, Tradebook

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("instruments")]
TWO_WAYS: Final[Sequence[tuple[str, dict[str, str]]]] = (("a", {}), ("b", {"order_id": "7"}))


@pytest.fixture
def gateway() -> Gateway:
    return make.gateway()


@pytest.fixture
def asha() -> User:
    return support()


@pytest.fixture
def scene(gateway: Gateway, now: datetime) -> Scene:
    return lost(gateway, now)


class TestStaging:
    @pytest.mark.parametrize("dialect", ["zerodha", "generic"])
    def test_matches_what_the_broker_exports(self, scene: Scene, asha: User, dialect: str) -> None:
        book = staged(exported(dialect=dialect), by=asha)

        assert (book.dialect, book.lines, book.verdicts) == (dialect, 2, {"already final": 1, "exact match": 1})
        assert rows(book)["exact match"].order == scene.order
        assert (OrderCorrection.objects.count(), scene.status()) == (0, "ERROR")

    def test_sums_the_trades_of_one_order(self, scene: Scene, asha: User) -> None:
        text = HEADER + line(scene.order, 2, "100.00", "a") + line(scene.order, 3, "101.00", "b")

        (row,) = staged(text, by=asha).rows.all()

        assert (row.verdict, row.trades, row.quantity, row.turnover) == ("exact match", 2, 5, Decimal(503))

    def test_counts_a_repeated_line_once(self, scene: Scene, asha: User) -> None:
        text = HEADER + line(scene.order, 2) + line(scene.order, 2)

        book = staged(text, by=asha)

        assert (book.repeated, book.verdicts) == (1, {"partial": 1})

    def test_does_not_believe_a_trade_with_two_contents(self, scene: Scene, asha: User) -> None:
        text = HEADER + line(scene.order, 2) + line(scene.order, 3)

        (row,) = staged(text, by=asha).rows.all()

        assert (row.verdict, row.can_be_applied) == ("contradicts", False)

    def test_finds_an_order_by_the_exchanges_number_alone(self, scene: Scene, asha: User) -> None:
        first = make.orders(scene.batch)[0]
        text = HEADER + line(first, 10, str(first.average_price), order_ref="", client_id="")

        (row,) = staged(text, by=asha).rows.all()

        assert (row.verdict, row.order) == ("already final", first)

    @pytest.mark.parametrize("other", [{"order_ref": "f" * 24, "client_id": ""}, {"broker": "groww"}])
    def test_does_not_know_what_is_not_that_brokers(self, scene: Scene, asha: User, other: dict[str, Any]) -> None:
        broker = other.pop("broker", "kite")

        (row,) = staged(HEADER + line(scene.order, 5, **other), by=asha, broker=broker).rows.all()

        assert (row.verdict, row.order, row.can_be_applied) == ("unknown order", None, False)

    def test_does_not_correct_an_order_by_another_clients_trade(self, scene: Scene, asha: User) -> None:
        (row,) = staged(HEADER + line(scene.order, 5, client_id="somebody-else"), by=asha).rows.all()

        assert (row.verdict, row.difference) == ("contradicts", "The order belongs to another client.")

    def test_finds_orders_in_error_missing_from_a_clients_tradebook(
        self, gateway: Gateway, scene: Scene, asha: User, now: datetime
    ) -> None:
        lost(gateway, now, client_id="lost-contact-2")
        first = make.orders(scene.batch)[0]

        book = staged(HEADER + line(first, 10, str(first.average_price)), by=asha)

        silent = rows(book)["zero-fill"]
        assert (book.verdicts, silent.order) == ({"already final": 1, "zero-fill": 1}, scene.order)

    def test_does_not_miss_an_amo_that_trades_with_the_next_open(
        self, gateway: Gateway, scene: Scene, asha: User
    ) -> None:
        first = make.orders(scene.batch)[0]
        Batch.objects.filter(pk=scene.batch.pk).update(variety="amo")

        book = staged(HEADER + line(first, 10, str(first.average_price)), by=asha)

        assert book.verdicts == {"already final": 1}

    def test_does_not_believe_either_half_of_an_order_that_is_named_in_two_ways(self, scene: Scene, asha: User) -> None:
        text = HEADER + line(scene.order, 5, trade_no="a") + line(scene.order, 5, trade_no="b", order_id="7")

        book = staged(text, by=asha)

        assert (book.verdicts, book.rows.filter(can_be_applied=True).count()) == ({"contradicts": 2}, 0)

    def test_believes_none_of_many_that_are_named_in_two_ways(
        self, gateway: Gateway, asha: User, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stage, "AT_ONCE", 1)
        named = [lost(gateway, now, securities=(Security(s, 5, Side.BUY),)).order for s in ("INFY", "TCS", "ITC")]
        twice = (line(order, 5, trade_no=name, **more) for order in named[:2] for name, more in TWO_WAYS)

        book = staged(HEADER + "".join(twice) + line(named[2], 5), by=asha)

        assert book.verdicts == {"contradicts": 4, "exact match": 1}

    def test_recognises_orders_corrected_from_a_tradebook(self, scene: Scene, asha: User, now: datetime) -> None:
        made = settled(scene.order, complete(scene.order, "1500"), by=asha, now=now)
        OrderCorrection.objects.filter(pk=made.pk).update(from_tradebook=True)

        assert staged(HEADER + line(scene.order, 5), by=asha).verdicts == {"duplicate": 1}

    def test_leaves_nothing_of_a_file_that_is_refused(self, scene: Scene, asha: User) -> None:
        with pytest.raises(UnreadableTradebook, match="line 3"):
            staged(exported()[:-40], by=asha)

        assert not Tradebook.objects.exists()

    def test_costs_as_many_statements_for_many_orders_as_for_few(
        self, gateway: Gateway, asha: User, now: datetime
    ) -> None:
        many = tuple(Security(s, 1, Side.BUY) for s in ("INFY", "TCS", "ITC", "HDFCBANK", "RELIANCE", "SBIN"))
        lost(gateway, now, securities=many[:2])
        few = exported()
        lost(gateway, now, securities=many)
        costs = []
        for text in (few, exported()):
            with CaptureQueriesContext(
                connection,
            ) as asked:
                staged(text, by=asha)
            costs.append(len(asked))

        assert costs[1] <= costs[0]

    def test_goes_on_over_more_than_one_set(self, scene: Scene, asha: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(stage, "AT_ONCE", 1)
        seen: list[tuple[int, int]] = []
        upload = stage.Upload("book.csv", "kite", asha)

        book = stage.stage(
            io_of(exported()), upload=upload, now=scene.batch.created_at, progress=lambda *done: seen.append(done)
        )

        assert (book.verdicts, seen) == ({"already final": 1, "exact match": 1}, [(1, 2), (2, 2)])
        assert (BookRow.objects.count(), Order.objects.filter(status="ERROR").count()) == (2, 1)


def io_of(text: str) -> Any:
    return io.BytesIO(text.encode())
