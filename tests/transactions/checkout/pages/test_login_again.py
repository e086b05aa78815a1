"""A user whose session at the broker has ended logs in again where they are, and continues."""

from typing import Any

import pytest

from brokers.models import BrokerSession
from gateway.partners import clock
from tests import make
from tests.flows.test_broker_faults import faults
from tests.transactions.checkout.conftest import Shop, Visit
from transactions.checkout.pages.login_again import MOST, choices_in, choices_kept
from transactions.models import Batch

OPEN_QUANTITY = [{"ticker": "INFY", "type": "BUY"}]
ENDED = "Your session at Zerodha has ended."


@pytest.fixture
def reviewing(shop: Shop) -> Visit:
    """At the confirmation, of a basket whose quantity the user chooses."""
    visit = shop.open(shop.partner.create(OPEN_QUANTITY))
    visit.log_in()
    return visit


def end_sessions() -> None:
    BrokerSession.objects.update(ended_at=clock.wall(), end_reason=BrokerSession.End.BY_BROKER, encrypted_token="")


def log_in_again(visit: Visit, page: str, client_id: str = "happy", pin: str = "1234") -> Any:
    """With what the form carries along."""
    assert ENDED in page
    choices = page.partition('name="choices" value="')[2].partition('"')[0].replace("&amp;", "&")
    return visit.send("login-again", client_id=client_id, pin=pin, choices=choices)


class TestASessionThatEndedBeforeTheConfirmation:
    def test_has_the_login_in_its_place_with_the_accounts_client_id(self, reviewing: Visit) -> None:
        end_sessions()

        page = reviewing.text()

        assert ENDED in page
        assert 'name="client_id" value="happy"' in page
        assert reviewing.transaction.status == "USED"

    def test_that_the_broker_ends_at_a_look_at_the_funds_too(self, shop: Shop, reviewing: Visit) -> None:
        faults(shop.partner, "PUT", {"funds": "session_ended"})

        assert ENDED in reviewing.text()

    def test_leads_back_to_the_earlier_choices_and_places_them(self, reviewing: Visit) -> None:
        shown = reviewing.shown()
        end_sessions()
        asked = reviewing.confirm(**{"quantity-INFY": "7", "shown": shown}).content.decode()
        assert not Batch.objects.exists()

        answer = log_in_again(reviewing, asked)

        assert (answer.status_code, answer["Location"]) == (303, f"{reviewing.path}?quantity-INFY=7")
        page = reviewing.client.get(answer["Location"]).content.decode()
        assert 'name="quantity-INFY" value="7"' in page
        reviewing.confirm(**{"quantity-INFY": "7", "shown": reviewing.shown(page)})
        assert [order.quantity for order in make.orders(Batch.objects.get())] == [7]

    def test_keeps_the_url_and_opens_no_other(self, shop: Shop, reviewing: Visit) -> None:
        first = shop.open(shop.partner.create())
        before = first.path
        first.log_in()
        bound = first.session.login_token_digest
        end_sessions()

        log_in_again(first, first.text())
        stranger = first.client.post(before + "login-again", {"client_id": "happy", "pin": "1234"})

        assert (first.session.login_token_digest, stranger.status_code) == (bound, 403)
        assert "Continue in the window where you logged in" in stranger.content.decode()

    def test_of_another_account_ends_in_1001(self, shop: Shop, reviewing: Visit) -> None:
        end_sessions()

        log_in_again(reviewing, reviewing.text(), "somebody-else")

        assert (reviewing.transaction.status, reviewing.transaction.error_code) == ("ERRORED", 1001)
        assert not BrokerSession.objects.filter(ended_at=None).exists()
        assert "Different account" in reviewing.text()

    def test_counts_wrong_pins_and_keeps_the_choices(self, reviewing: Visit) -> None:
        end_sessions()
        for _ in range(2):
            page = reviewing.text(**{"quantity-INFY": "7"})
            page = log_in_again(reviewing, page, "login-fails").content.decode()

        assert "3 attempts left." in page
        assert 'name="choices" value="quantity-INFY=7"' in page

    def test_of_a_consent_is_asked_for_when_the_user_allows(self, shop: Shop) -> None:
        visit = shop.open(shop.partner.create(intent="FETCH_FUNDS"))
        visit.log_in()
        end_sessions()

        answer = log_in_again(visit, visit.send("confirm", action="confirm").content.decode())
        visit.send("confirm", action="confirm")

        assert (answer["Location"], visit.transaction.status) == (visit.path, "COMPLETED")


class TestOrdersThatWaitForALogin:
    @pytest.fixture
    def waiting(self, shop: Shop) -> Visit:
        shop.partner.hours("closed")
        visit = shop.open(shop.partner.create(), amo=True)
        visit.log_in()
        visit.confirm()
        faults(shop.partner, "PUT", {"order_book": "session_ended"})
        shop.partner.advance("PT1H")
        make.sweep()
        faults(shop.partner, "DELETE")
        shop.partner.hours("always")
        return visit

    def test_are_filled_after_the_login_of_their_status_screen(self, shop: Shop, waiting: Visit) -> None:
        assert "login-again" in waiting.text()

        answer = log_in_again(waiting, waiting.text("login-again"))
        shop.partner.advance("PT1M")
        make.sweep()

        assert answer["Location"] == waiting.path
        assert "Orders filled" in waiting.text()

    def test_are_not_shown_to_another_account(self, waiting: Visit) -> None:
        page = log_in_again(waiting, waiting.text("login-again"), "somebody-else").content.decode()

        assert "This is another account." in page
        assert Batch.objects.get().session_ended_at is not None

    def test_take_no_login_that_is_locked(self, waiting: Visit) -> None:
        for _ in range(5):
            log_in_again(waiting, waiting.text("login-again"), "login-fails")

        assert "login-again" not in waiting.text()
        assert waiting.see("login-again").status_code == 303

    def test_are_asked_about_with_no_other_login(self, shop: Shop, visit: Visit) -> None:
        """The form belongs to a checkout that has logged in."""
        assert visit.send("login-again", client_id="happy", pin="1234").status_code == 303
        assert not BrokerSession.objects.exists()


class TestChoices:
    def test_leave_out_secrets_and_what_would_confirm(self) -> None:
        form = {"amount": "5,000", "pin": "1234", "shown": "signed", "action": "confirm", "anyway": "1"}

        assert choices_in(form) == "amount=5%2C000"
        assert choices_kept({"choices": "amount=5%2C000&action=confirm&pin=1"}) == "amount=5%2C000"

    def test_that_are_too_long_for_a_url_are_given_up(self) -> None:
        assert choices_in({"amount": "1" * MOST}) == ""
