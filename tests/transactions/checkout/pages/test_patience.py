"""Limits of the checkout: requests, wrong PINs, and the lifetime of a link."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from brokers.models import Instrument
from gateway.api import rate_limits
from gateway.models import Account, Gateway
from tests import make
from tests.transactions.checkout.conftest import Shop, Visit
from transactions.models import CheckoutSession

NOON = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)


@pytest.fixture
def live(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """On a live gateway, where nobody has guessed yet."""
    Gateway.objects.update(is_test=False)
    monkeypatch.setattr(rate_limits, "shut_out", rate_limits.ShutOut())
    return shop


def guess(shop: Shop, client_id: str, *, times: int = 1, broker: str = "kite", at: str = "10.0.0.1") -> str:
    """The page after the last of some wrong PINs, in a checkout of a transaction of its own."""
    visit = shop.open(make.transaction(gateway=shop.gateway, now=NOON).transaction_id)
    visit.send("broker", broker=broker)
    form = {"client_id": client_id, "pin": "0"}
    pages = [visit.client.post(visit.path + "login", form, REMOTE_ADDR=at).content.decode() for _ in range(times)]
    return str(pages[-1])


def enter(shop: Shop, client_id: str, *, at: str) -> str:
    visit = shop.open(make.transaction(gateway=shop.gateway, now=NOON).transaction_id)
    visit.send("broker", broker="kite")
    form = {"client_id": client_id, "pin": "1"}
    return visit.client.post(visit.path + "login", form, follow=True, REMOTE_ADDR=at).content.decode()


def guessed_by_many(shop: Shop, client_id: str) -> None:
    """From as many addresses as there may be wrong PINs; the simulated broker refuses this one."""
    for number in range(7):
        visit = shop.open(make.transaction(gateway=shop.gateway, now=NOON).transaction_id)
        visit.send("broker", broker="kite")
        form = {"client_id": client_id, "pin": "error_nonsense"}
        visit.client.post(visit.path + "login", form, REMOTE_ADDR=f"10.0.1.{number}")


class TestAWrongPin:
    @pytest.fixture(autouse=True)
    def few(self, settings: Any) -> Any:
        settings.RATE_LIMIT_WRONG_PINS = "4/hour"
        settings.RATE_LIMIT_WRONG_PINS_ADDRESS = "6/hour"
        settings.RATE_LIMIT_WRONG_PINS_ACCOUNT = "7/hour"
        with time_machine.travel(NOON, tick=False):
            yield

    def test_counts_over_all_checkouts_for_its_account(self, live: Shop) -> None:
        guess(live, "login-fails-1", times=3)
        guess(live, "login-fails-1")

        page = guess(live, "login-fails-1")

        assert "Too many wrong PINs for this account" in page
        assert CheckoutSession.objects.latest("pk").pin_attempts == 0  # the broker was not asked

    def test_from_elsewhere_locks_no_owner_out(self, live: Shop) -> None:
        guess(live, "login-fails-1", times=4, at="10.9.9.9")

        assert "Client id and PIN do not match." in guess(live, "login-fails-1")

    def test_from_many_addresses_counts_for_the_account(self, live: Shop) -> None:
        for number in range(7):
            guess(live, "login-fails-1", at=f"10.0.1.{number}")

        assert "Too many wrong PINs for this account" in guess(live, "login-fails-1", at="10.9.9.9")
        assert "Client id and PIN do not match." in guess(live, "login-fails-2", at="10.9.9.9")

    def test_from_many_addresses_locks_no_owner_out_who_is_where_a_login_was_made_before(self, live: Shop) -> None:
        enter(live, "happy-1", at="10.0.0.7")
        guessed_by_many(live, "happy-1")

        assert "Too many wrong PINs for this account" in enter(live, "happy-1", at="10.0.0.8")
        assert "Too many wrong PINs" not in enter(live, "happy-1", at="10.0.0.7")

    def test_makes_no_other_users_address_a_known_one(self, live: Shop) -> None:
        """A user who logs in to another account than the connected one."""
        enter(live, "happy-1", at="10.0.0.7")
        theirs = Account.objects.get(client_id="happy-1").auth_id
        visit = live.open(live.partner.create(auth_id=theirs), auth_id=theirs)
        visit.client.post(visit.path + "login", {"client_id": "happy-2", "pin": "1"}, REMOTE_ADDR="10.0.0.8")
        guessed_by_many(live, "happy-1")

        assert visit.transaction.error_code == 1001
        assert "Too many wrong PINs for this account" in enter(live, "happy-1", at="10.0.0.8")

    def test_counts_for_no_other_account(self, live: Shop) -> None:
        guess(live, "login-fails-1", times=4)

        assert "Client id and PIN do not match." in guess(live, "login-fails-2")
        assert "Client id and PIN do not match." in guess(live, "login-fails-1", broker="groww")

    def test_counts_over_all_accounts_for_its_address(self, live: Shop) -> None:
        for number in range(6):
            guess(live, f"login-fails-{number}")

        assert "Too many wrong PINs" in guess(live, "login-fails-7")
        assert "Client id and PIN do not match." in guess(live, "login-fails-7", at="10.9.9.9")

    def test_counts_on_test_gateways_within_its_checkout_alone(self, live: Shop) -> None:
        Gateway.objects.update(is_test=True)
        guess(live, "login-fails-1", times=4)

        assert "Client id and PIN do not match." in guess(live, "login-fails-1")


class TestACheckoutAskedTooOften:
    def test_at_its_first_url_continues_at_the_second(self, visit: Visit, settings: Any) -> None:
        settings.RATE_LIMIT_CHECKOUT = "3/minute"
        before = visit.path

        with time_machine.travel(NOON, tick=False):
            visit.log_in()
            statuses = [visit.client.get(before).status_code for _ in range(2)]
            mine = visit.see()

        assert (statuses, mine.status_code) == ([200, 429], 200)

    def test_shows_a_page_that_says_so_and_nobody_elses_does(self, shop: Shop, visit: Visit, settings: Any) -> None:
        settings.RATE_LIMIT_CHECKOUT = "2/minute"
        other = shop.open(shop.partner.create())

        with time_machine.travel(NOON, tick=False):
            statuses = [visit.see("status").status_code for _ in range(2)]
            page = visit.see()
            theirs = other.see()

        assert statuses == [205, 205]
        assert (page.status_code, "One moment, please" in page.content.decode()) == (429, True)
        assert 0 < int(page["Retry-After"]) <= 60
        assert theirs.status_code == 200

    def test_does_nothing_that_it_is_sent(self, visit: Visit, settings: Any) -> None:
        settings.RATE_LIMIT_CHECKOUT = "0/minute"

        assert visit.send("leave").status_code == 429
        assert visit.transaction.status == "INITIALIZED"


class TestALink:
    def test_leads_nowhere_after_a_week(self, shop: Shop, visit: Visit) -> None:
        visit.log_in()
        visit.confirm()
        CheckoutSession.objects.update(created_at=visit.session.created_at - timedelta(days=7, minutes=1))

        assert visit.see().status_code == 404

    def test_shows_the_orders_until_then(self, shop: Shop, visit: Visit) -> None:
        visit.log_in()
        visit.confirm()
        CheckoutSession.objects.update(created_at=visit.session.created_at - timedelta(days=6, hours=23))

        assert visit.see().status_code == 200


class TestWhatItCosts:
    @pytest.mark.parametrize("securities", [1, 40])
    def test_to_look_at_the_status_is_three_queries(self, shop: Shop, securities: int) -> None:
        tickers = Instrument.objects.filter(tradable=True).order_by("symbol").values_list("symbol", flat=True)
        basket = [{"ticker": ticker, "quantity": 1, "type": "BUY"} for ticker in tickers[:securities]]
        visit = shop.open(shop.partner.create(basket))
        visit.log_in()
        visit.confirm()

        for action in ("", "status"):
            with CaptureQueriesContext(
                connection,
            ) as asked:
                assert visit.see(action).status_code == 200
            assert len(asked) == 3, asked.captured_queries  # the last: charges, once something has filled

    @pytest.mark.parametrize("securities", [1, 100])
    def test_to_see_the_confirmation_is_as_much_for_a_hundred_as_for_one(self, shop: Shop, securities: int) -> None:
        tickers = Instrument.objects.filter(tradable=True).order_by("symbol").values_list("symbol", flat=True)
        basket = [{"ticker": ticker, "quantity": 1_000_000, "type": "BUY"} for ticker in tickers[:securities]]
        visit = shop.open(shop.partner.create(basket))
        visit.log_in()

        with CaptureQueriesContext(connection) as asked:
            page = visit.text()

        assert len(asked) == 9, asked.captured_queries
        assert len(visit.shown(page)) < 4_000  # of the 64 KiB that a form may have

    def test_to_see_the_chooser_and_the_login_is_one_query(self, visit: Visit) -> None:
        for broker in ("", "kite"):
            visit.send("broker", broker=broker)
            with CaptureQueriesContext(connection) as asked:
                visit.see()
            assert len(asked) == 1, asked.captured_queries


class TestTheAddress:
    def test_is_in_no_log_and_no_metric(self, visit: Visit, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        tokens = [visit.path.split("/")[3]]
        visit.log_in()
        tokens += [visit.path.split("/")[3], visit.passed_on]
        visit.confirm()
        visit.see("nothing")
        visit.client.put(visit.path)
        visit.client.post(visit.path + "login", {"pin": "x" * 70_000})

        logged = "\n".join(str(vars(record) | {"request": None}) for record in caplog.records)
        counted = Client().get("/metrics").content.decode()
        assert [token for token in tokens if token in logged or token in counted] == []
        assert len(set(tokens)) == 3
