"""What the status screen says of an open batch that does not change."""

from datetime import datetime

import pytest

from tests import make
from transactions.checkout.pages.status_screen import CheckoutProgress, progress_of
from transactions.models import Batch, CheckoutSession, Order

pytestmark = pytest.mark.usefixtures("instruments")


@pytest.fixture
def batch(now: datetime) -> Batch:
    made = make.queued_batch(gateway=make.gateway(), securities=make.TWO_WAY, now=now)
    made.orders.update(status="PLACED", ordered_at=now)
    Batch.objects.filter(pk=made.pk).update(status="PLACED", placed_at=now)
    return made


def shown(batch: Batch, now: datetime) -> CheckoutProgress:
    orders = list(Order.objects.filter(batch=batch).select_related("batch__account").order_by("position"))
    return progress_of(CheckoutSession(transaction=batch.transaction), orders, now)


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

    def test_that_is_final_has_its_own_status(self, batch: Batch, now: datetime) -> None:
        Batch.objects.update(session_ended_at=now, status="UNFILLED")

        assert shown(batch, now).state == "UNFILLED"
