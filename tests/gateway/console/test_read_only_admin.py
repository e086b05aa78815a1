"""What an operator's browser could be made to ask of the console."""

import csv
import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import connection
from django.db.models import Model
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext

from gateway.console.read_only_admin import MOST_COUNTED, cell
from gateway.database.encryption import decrypt
from gateway.models import Account, AuditEntry
from gateway.partners import clock
from tests import make
from tests.smallcases.counting import at_most
from transactions.models import Batch, Order
from webhooks.models import Attempt, Delivery, Event


@pytest.fixture
def operator(db: None) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("root"))
    return client


class TestAQuery:
    @pytest.mark.parametrize(
        "query",
        ["status=%00", "q=a%00b", "x%00=1", "gateway__id__exact=1&status=%00", "_to_field=", "p=%00&_popup=1"],
    )
    def test_that_cannot_be_asked_is_refused(self, operator: Client, query: str) -> None:
        response = operator.get(f"/admin/transactions/batch/?{query}")

        assert (response.status_code, response["Content-Type"]) == (400, "text/html; charset=utf-8")

    def test_that_cannot_be_asked_of_one_row_is_refused(self, operator: Client) -> None:
        here = make.gateway()

        assert operator.get(f"/admin/gateway/gateway/{here.pk}/change/?_to_field=").status_code == 400

    @pytest.mark.parametrize("query", ["status=PLACED", "q=%F0%9F%98%80", "o=1.2", "p=0", "_to_field=id"])
    def test_that_can_is_answered(self, operator: Client, query: str) -> None:
        assert operator.get(f"/admin/transactions/batch/?{query}").status_code in {200, 302}

    def test_of_the_api_is_not_the_consoles_business(self, operator: Client) -> None:
        assert operator.get("/healthz?x=%00").status_code == 200


def account(client_id: str) -> Account:
    known = {"broker": "kite", "client_id": client_id, "created_at": clock.wall()}
    return Account(auth_id=f"{abs(hash(client_id)):024x}"[:24], **known)


@pytest.mark.usefixtures("instruments")
class TestAList:
    def test_counts_no_further_than_somebody_turns_pages(self, operator: Client) -> None:
        here = make.gateway()
        accounts = [account(str(number)) for number in range(MOST_COUNTED + 50)]
        for one in accounts:
            one.gateway = here
        Account.objects.bulk_create(accounts)

        page = operator.get("/admin/gateway/account/")

        assert page.context["cl"].result_count == MOST_COUNTED + 1
        assert b"more than 1,000 accounts" in page.content

    def test_finds_an_id_by_its_index(self, operator: Client) -> None:
        batch = make.queued_batch(gateway=make.gateway(), securities=make.TWO_WAY, now=clock.wall())
        make.queued_batch(gateway=make.gateway(), securities=make.TWO_WAY, now=clock.wall())

        for term in (batch.batch_id, batch.transaction.transaction_id, f"  {batch.account.auth_id} "):
            page = operator.get("/admin/transactions/order/", {"q": term})
            assert {order.batch_id for order in page.context["cl"].result_list} == {batch.pk}

    def test_finds_nothing_of_what_is_not_there(self, operator: Client) -> None:
        make.queued_batch(gateway=make.gateway(), securities=make.TWO_WAY, now=clock.wall())

        page = operator.get("/admin/transactions/order/", {"q": "x" * 5_000})

        assert page.context["cl"].result_count == 0

    def test_of_orders_asks_for_as_much_however_long_it_is(self, operator: Client) -> None:
        make.queued_batch(gateway=make.gateway(), securities=make.TWO_WAY, now=clock.wall())
        operator.get("/admin/transactions/order/")
        with at_most(9):
            operator.get("/admin/transactions/order/")
        for _ in range(5):
            make.queued_batch(gateway=make.gateway(), securities=make.TWO_WAY, now=clock.wall())

        with at_most(9):
            assert len(operator.get("/admin/transactions/order/").context["cl"].result_list) == 12

    @pytest.mark.parametrize("page", [page for page in admin.site._registry if page is not User])
    def test_asks_no_table_what_it_holds(self, operator: Client, page: type[Model]) -> None:
        with CaptureQueriesContext(connection) as asked:
            answer = operator.get(f"/admin/{page._meta.app_label}/{page._meta.model_name}/")

        assert answer.status_code == 200
        big = ("order", "batch", "transaction", "attempt", "delivery", "event", "account", "auditentry")
        distinct = [query["sql"] for query in asked if "DISTINCT" in query["sql"]]
        assert not [sql for sql in distinct if any(f'_{name}"' in sql for name in big)]


def plans(act: Callable[[], object]) -> list[str]:
    """PostgreSQL's, of every statement; where an index is worth more than rows that are few."""
    with CaptureQueriesContext(connection) as asked:
        act()
    with connection.cursor() as cursor:
        for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin", "sort"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        told = []
        for one in asked:
            cursor.execute(f"EXPLAIN {one['sql']}")
            told.append("\n".join(line for (line,) in cursor.fetchall()))
    return told


@pytest.mark.django_db
@pytest.mark.parametrize("page", [Event, Delivery, Attempt])
def test_the_subject_of_an_event_is_looked_for_gateway_by_gateway_as_its_index_has_it(page: type[Model]) -> None:
    rows, shown = page._default_manager.all(), admin.site._registry[page]

    with CaptureQueriesContext(connection) as asked:
        shown.get_search_results(HttpRequest(), rows, "a" * 24)

    (by_subject,) = (one["sql"] for one in asked if '"subject" = ' in one["sql"])
    assert '"webhooks_event"."gateway_id" IN (SELECT' in by_subject


@pytest.mark.servers
@pytest.mark.django_db
class TestALargeTable:
    @pytest.fixture(autouse=True)
    def _nothing_known_of_its_rows(self, db: None) -> None:
        """Else PostgreSQL plans for the few rows that other tests had when it last counted."""
        with connection.cursor() as cursor:
            for model in (Batch, Order, Event):
                cursor.execute("DELETE FROM pg_statistic WHERE starelid = %s::regclass", [model._meta.db_table])

    @pytest.mark.parametrize(
        ("page", "term", "index", "condition"),
        [
            (Event, "b" * 32, "event_request", "request_id.* = "),
            (Order, "11" * 8, "order_by_exchange_id", "exchange_order_id.* = "),
        ],
    )
    def test_is_asked_for_an_id_by_an_index_that_begins_with_it(
        self, page: type[Model], term: str, index: str, condition: str
    ) -> None:
        rows, shown = page._default_manager.all(), admin.site._registry[page]

        told = plans(lambda: shown.get_search_results(HttpRequest(), rows, term))

        assert any(re.search(f"{index}.*\n.*Index Cond: .*{condition}", one) for one in told)

    @pytest.mark.parametrize("status", ["ERROR", "UNPLACED", "PARTIAL", "REJECTED", "CANCELLED", "CANCELLED AMO"])
    def test_tells_orders_that_did_not_go_well_by_an_index_of_theirs(self, status: str) -> None:
        (told,) = plans(lambda: list(Order.objects.filter(status=status).order_by("-pk")[:50]))

        assert "order_rare_status" in told
        assert "Sort" not in told

    @pytest.mark.parametrize(
        "status", ["ERROR", "PARTIALLYFILLED", "UNFILLED", "UNPLACED", "CANCELLED", "MARKEDCOMPLETE"]
    )
    def test_tells_batches_that_did_not_go_well_by_an_index_of_theirs(self, status: str) -> None:
        (told,) = plans(lambda: list(Batch.objects.filter(status=status).order_by("-pk")[:50]))

        assert "batch_rare_status" in told
        assert "Sort" not in told


class TestAnExport:
    def test_is_a_spreadsheets_without_formulas(self, operator: Client) -> None:
        here = make.gateway()
        hostile = '=cmd|"/C calc"!A1'
        Account.objects.create(
            gateway=here, auth_id="a" * 24, broker="kite", client_id=hostile, created_at=clock.wall()
        )

        answer = operator.post(
            "/admin/gateway/account/", {"action": "export_csv", "select_across": "1", "_selected_action": "0"}
        )

        header, row = csv.reader(b"".join(answer.streaming_content).decode().splitlines())  # type: ignore[attr-defined]
        assert dict(zip(header, row, strict=True))["client_id"] == f"'{hostile}"
        assert answer["Content-Disposition"] == 'attachment; filename="account.csv"'

    def test_holds_no_secret(self, operator: Client) -> None:
        made = make.gateway()

        answer = operator.post("/admin/gateway/gateway/", {"action": "export_csv", "_selected_action": made.pk})

        text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
        assert made.name in text
        assert "sealed" not in text
        assert made.encrypted_api_secret not in text

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ("=1+1", "'=1+1"),
            ("  @SUM(A1)", "'  @SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\uff1d1", "'\uff1d1"),
            ("-1", "'-1"),
            (Decimal("-1.50"), "-1.50"),
            (7, "7"),
            (None, ""),
            (["a"], '["a"]'),
        ],
    )
    def test_writes_a_cell(self, value: object, text: str) -> None:
        assert cell(value) == text


class TestANewSecret:
    @pytest.mark.parametrize("kind", ["api", "jwt"])
    def test_is_shown_once_and_kept_nowhere(self, operator: Client, kind: str) -> None:
        here = make.gateway()

        asked = {"action": f"rotate_{kind}_secret", "_selected_action": here.pk}
        page = operator.post("/admin/gateway/gateway/", asked)

        here.refresh_from_db()
        secret = decrypt(getattr(here, f"encrypted_{kind}_secret"))
        assert secret in page.content.decode()
        assert "no-store" in page["Cache-Control"]
        assert secret not in operator.get("/admin/gateway/gateway/").content.decode()
        assert secret not in repr(list(AuditEntry.objects.values()))
        assert secret not in repr(dict(operator.session))

    def test_is_not_made_twice_by_a_reload(self, operator: Client) -> None:
        here = make.gateway()
        asked = {"action": "rotate_api_secret", "_selected_action": here.pk}
        operator.post("/admin/gateway/gateway/", asked)
        here.refresh_from_db()
        first = here.encrypted_api_secret

        operator.post("/admin/gateway/gateway/", asked)

        here.refresh_from_db()
        assert here.encrypted_api_secret == first

    def test_is_not_supports_to_make(self, db: None) -> None:
        here = make.gateway()
        support = User.objects.create_user("asha", is_staff=True)
        support.groups.add(Group.objects.get(name="Support"))
        client = Client()
        client.force_login(support)

        client.post("/admin/gateway/gateway/", {"action": "rotate_api_secret", "_selected_action": here.pk})

        here.refresh_from_db()
        assert here.encrypted_previous_api_secret is None
