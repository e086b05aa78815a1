"""What the rows about the console ask for, and the month and the book that they ask it of."""

import io
from datetime import datetime
from string import Formatter

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.urls import resolve

from benchmarks import month
from benchmarks.paths import console, tradebook
from smallcases.catalogue.create_smallcases import load_catalogue
from tests.smallcases import shelf
from transactions.models import Batch, Order
from transactions.reconciliation.tradebook.file_reader import examine
from webhooks.models import Delivery, Event

KNOWN = {"largest": 1, "smallest": 6, "endpoint": 3, "ticker": "WIPRO"}


class TestAPage:
    def test_has_a_name_of_its_own(self) -> None:
        assert len({page.name for page in console.PAGES}) == len(console.PAGES)

    @pytest.mark.parametrize("page", console.PAGES, ids=lambda page: page.name)
    def test_is_one_of_the_console(self, page: console.Page) -> None:
        (target, *_) = page.targets(200_000, KNOWN)

        assert resolve(target.partition("?")[0]).app_name == "admin"

    def test_is_asked_about_rows_from_end_to_end(self) -> None:
        page = console.Page("one", "transactions/batch/{batch_pk}/change/")

        asked = [int(target.split("/")[-3]) for target in page.targets(200_000, KNOWN)]

        assert (len(set(asked)), min(asked) < 20_000, max(asked) > 180_000) == (console.ASKED, True, True)

    def test_is_asked_about_those_alone_that_it_can_show(self) -> None:
        page = console.Page("one", "{batch_pk}", every=console.IN_ERROR)

        asked = [int(target.removeprefix("/admin/")) for target in page.targets(2_000, KNOWN)]

        assert sorted(asked) == [7, 207, 407, 607, 807, 1007, 1207, 1407, 1607, 1807]

    def test_names_ids_that_there_are(self) -> None:
        named = {name for page in console.PAGES for _, name, _, _ in Formatter().parse(page.path) if name}

        assert named <= KNOWN.keys() | month.known_by(1, batches=10).keys()


@pytest.mark.servers
class TestTheMonth:
    """By PostgreSQL's own functions."""

    @pytest.fixture(autouse=True)
    def _filled(self, transactional_db: None, instruments: None) -> None:
        load_catalogue([shelf.draft("SCNM_0001", weights={"INFY": "60", "TCS": "40"})])
        user = User.objects.create_user("bench")
        month.prepare()
        with connection.cursor() as cursor:
            for statement in month.statements(2_000, user=user):
                cursor.execute(statement)

    def test_has_rows_of_the_ids_that_are_asked_for(self) -> None:
        ids = month.known_by(1_007, batches=2_000)

        order = Order.objects.select_related("batch__transaction", "batch__account").get(ref=ids["order_ref"])
        batch = order.batch
        found = (order.pk, order.exchange_order_id, batch.pk, batch.batch_id, batch.transaction.transaction_id)
        assert found == tuple(
            ids[name] for name in ("order_pk", "exchange_order_id", "batch_pk", "batch_id", "transaction_id")
        )
        assert (batch.account.auth_id, batch.account.client_id) == (ids["auth_id"], ids["client_id"])
        event = Event.objects.get(key=ids["event_id"])
        assert (event.subject, event.request_id) == (ids["batch_id"], ids["request_id"])

    def test_has_something_for_every_page_to_show(self) -> None:
        statuses = set(Order.objects.values_list("status", flat=True))
        assert statuses == {"COMPLETE", "PARTIAL", "REJECTED", "CANCELLED", "UNPLACED", "ERROR", "PLACED"}
        assert set(Delivery.objects.values_list("status", flat=True)) == {"DELIVERED", "GIVEN_UP", "DUE"}
        assert (Batch.objects.count(), Order.objects.filter(status="ERROR").count()) == (2_000, 10)


class TestTheBook:
    def test_is_one(self, now: datetime) -> None:
        file = io.BytesIO()
        tradebook._write(file, 40)

        book, count = examine(file)

        assert (count, book.layout.dialect) == (40, "zerodha")
