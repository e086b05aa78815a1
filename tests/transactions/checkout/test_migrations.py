"""Rows that an older release wrote, and what a migration does to a table in use."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from tests.migrating import as_of, migrate
from tests.transactions.checkout.conftest import Shop

BEFORE = "0007_batch_request_id"
NUMBERS = ("0008", "0009")


class TestSessionsBelongToABrowser:
    def test_an_old_session_is_kept_and_leads_nowhere(self, shop: Shop) -> None:
        transaction_id = shop.partner.create()
        visit = shop.open(transaction_id)
        with as_of("transactions", BEFORE) as old:
            old.get_model("transactions", "CheckoutSession").objects.update(mode="iframe")

        assert (visit.session.mode, visit.session.code_challenge, visit.session.login_token_digest) == (
            "iframe",
            "",
            None,
        )
        assert visit.see().status_code == 404
        assert shop.outcome(visit, left=True).data["state"] == "open"
        assert "Confirm" in shop.open(transaction_id).log_in()
        assert visit.session.is_replaced

    @pytest.mark.servers
    def test_may_be_interrupted_and_leaves_everything_valid(self, transactional_db: None) -> None:
        with as_of("transactions", "0008_sessions_belong_to_a_browser"), connection.cursor() as cursor:
            cursor.execute("CREATE INDEX one_checkout_per_login_url ON transactions_checkoutsession (id)")
            migrate()
            cursor.execute(
                "SELECT indisvalid AND indisunique FROM pg_index"
                " WHERE indexrelid = 'one_checkout_per_login_url'::regclass"
                " UNION ALL SELECT convalidated FROM pg_constraint WHERE conname = 'no_result_before_the_login'"
            )
            assert cursor.fetchall() == [(True,), (True,)]

    @pytest.mark.servers
    def test_looks_at_no_row_behind_a_lock(self, transactional_db: None) -> None:
        first, second = (printed(number) for number in NUMBERS)

        assert ("NOT VALID" in first, "INDEX" in first, "UPDATE" in first) == (True, False, False)
        assert ("CREATE UNIQUE INDEX CONCURRENTLY" in second, "BEGIN" in second) == (True, False)

    @pytest.mark.servers
    def test_finds_a_session_by_either_url_in_an_index(self, transactional_db: None) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET enable_seqscan = off")
            cursor.execute(
                "EXPLAIN SELECT 1 FROM transactions_checkoutsession"
                " WHERE token_digest = 'x' OR login_token_digest = 'x'"
            )
            plan = str(cursor.fetchall())
            cursor.execute("RESET enable_seqscan")

        assert "one_checkout_per_login_url" in plan


def printed(number: str) -> str:
    out = StringIO()
    call_command("sqlmigrate", "transactions", number, stdout=out)
    return out.getvalue()
