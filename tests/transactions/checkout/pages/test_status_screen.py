"""What the status screen says of an open batch that does not change."""

from datetime import datetime
from typing import Any

import pytest

from gateway.models import Gateway
from tests import make
from transactions.checkout.pages.status_screen import CheckoutProgress, progress_of
from transactions.domain.checkout_modes import MAX_PINS
from transactions.domain.intents import Intent
from transactions.domain.price_protection import PRICE_MOVED
from transactions.models import Batch, CheckoutSession, Order

pytestmark = pytest.mark.usefixtures("instruments")


@pytest.fixture
def batch(now: datetime) -> Batch:
    made = make.queued_batch(gateway=make.gateway(), securities=make.TWO_WAY, now=now)
    made.orders.update(status="PLACED", ordered_at=now)
    Batch.objects.filter(pk=made.pk).update(status="PLACED", placed_at=now)
    return made


def orders_of(batch: Batch) -> list[Order]:
    return list(Order.objects.filter(batch=batch).select_related("batch__account").order_by("position"))


def shown(batch: Batch, now: datetime, **session: Any) -> CheckoutProgress:
    return progress_of(CheckoutSession(transaction=batch.transaction, **session), orders_of(batch), now)


class TestAnOpenBatch:
    def test_is_busy_while_its_broker_answers(self, batch: Batch, now: datetime) -> None:
        assert (shown(batch, now).state, shown(batch, now).tone) == ("PLACED", "busy")

    def test_of_a_broker_that_does_not_answer_is_asked_about_on(self, batch: Batch, now: datetime) -> None:
        Batch.objects.update(unreachable_since=now)

        assert (shown(batch, now).state, shown(batch, now).tone) == ("UNREACHABLE", "busy")

    def test_with_orders_to_send_says_that_they_may_not_be_placed(self, batch: Batch, now: datetime) -> None:
        Batch.objects.update(unreachable_since=now, status="PARTIALLYPLACED")
        batch.orders.filter(position=1).update(status="QUEUED", ordered_at=None)

        assert shown(batch, now).state == "REACHING"

    def test_rests_until_the_user_logs_in(self, batch: Batch, now: datetime) -> None:
        Batch.objects.update(session_ended_at=now, unreachable_since=now)

        assert (shown(batch, now).state, shown(batch, now).tone) == ("SESSION_ENDED", "quiet")
        assert shown(batch, now).is_live

    def test_that_waits_for_a_login_takes_it_here_unless_the_checkout_was_left(
        self, batch: Batch, now: datetime
    ) -> None:
        Batch.objects.update(session_ended_at=now)
        batch.transaction.status = "PROCESSING"

        assert shown(batch, now).can_log_in
        assert not shown(batch, now, ended_at=now).can_log_in
        assert not shown(batch, now, pin_attempts=MAX_PINS).can_log_in

    def test_of_after_market_orders_says_first_that_a_login_is_missing(self, batch: Batch, now: datetime) -> None:
        Gateway.objects.update(market_hours="closed")
        batch.transaction.gateway.refresh_from_db()
        Batch.objects.update(variety="amo")
        assert shown(batch, now).state == "AMO"

        Batch.objects.update(session_ended_at=now)
        assert shown(batch, now).state == "SESSION_ENDED"

    def test_that_is_cancelled_waits_for_the_login_too(self, batch: Batch, now: datetime) -> None:
        Batch.objects.update(session_ended_at=now)
        made = make.transaction(gateway=batch.gateway, now=now)
        made.intent = Intent.CANCEL_ORDER
        batch.orders.update(cancelled_by=made)

        assert progress_of(CheckoutSession(transaction=made), orders_of(batch), now).state == "SESSION_ENDED"

    def test_says_which_order_was_not_sent_again_at_another_price(self, batch: Batch, now: datetime) -> None:
        batch.orders.filter(position=1).update(
            status="UNPLACED", ordered_at=None, error_code="adapterError", status_message=PRICE_MOVED
        )

        assert [row["why"] for row in shown(batch, now).rows] == ["", "code.price-moved"]

    def test_that_is_final_has_its_own_status(self, batch: Batch, now: datetime) -> None:
        Batch.objects.update(session_ended_at=now, status="UNFILLED")

        assert shown(batch, now).state == "UNFILLED"
