from datetime import datetime, timedelta

import pytest
from django.db.models import F

from gateway.models import Gateway
from gateway.partners import clock
from tests import make
from tests.investor import Investor
from tests.partner import Partner
from transactions.checkout.broker_login import log_in
from transactions.domain.statuses import UNFINISHED_BATCH, BatchStatus
from transactions.execution.mark_complete import NotUnfinished, close_instead, mark_complete
from transactions.lifecycle.transitions import SdkError, TransactionUsed
from transactions.models import Batch, Order, Transaction
from webhooks.models import Event

LATER = timedelta(days=1)


def ended(gateway: Gateway, status: str, now: datetime) -> Batch:
    """As the workers would have left it."""
    batch = make.queued_batch(gateway=gateway, securities=make.TWO_WAY[:1], now=now)
    Order.objects.filter(batch=batch).update(status="REJECTED")
    Batch.objects.filter(pk=batch.pk).update(status=status, placed_at=now, completed_at=now, sequence=2, due_at=now)
    return Batch.objects.get(pk=batch.pk)


class TestMarkComplete:
    @pytest.mark.parametrize("status", sorted(UNFINISHED_BATCH))
    def test_closes_a_batch_that_fell_short(self, gateway: Gateway, now: datetime, status: str) -> None:
        batch = ended(gateway, status, now)

        mark_complete(batch=batch, now=now + LATER)

        batch.refresh_from_db()
        assert (batch.status, batch.sequence, batch.attempts, batch.completed_at) == ("MARKEDCOMPLETE", 3, 1, now)
        assert [order.status for order in make.orders(batch)] == ["REJECTED"]

    def test_sends_an_event_for_each_partner(self, gateway: Gateway, now: datetime) -> None:
        batch = ended(gateway, "UNFILLED", now)

        mark_complete(batch=batch, now=now + LATER)

        event = Event.objects.get(subject=batch.batch_id)
        assert (event.type, event.sequence, event.created_at) == ("order.updated", 3, now + LATER)
        assert (event.payload["status"], event.payload["orders"][0]["status"]) == ("MARKEDCOMPLETE", "REJECTED")

    @pytest.mark.parametrize("status", sorted(set(BatchStatus) - UNFINISHED_BATCH - {BatchStatus.QUEUED}))
    def test_refuses_any_other(self, gateway: Gateway, now: datetime, status: str) -> None:
        batch = ended(gateway, status, now)

        with pytest.raises(NotUnfinished, match=f"in status {status} cannot"):
            mark_complete(batch=batch, now=now + LATER)

        batch.refresh_from_db()
        assert (batch.status, batch.sequence, Event.objects.count()) == (status, 2, 0)

    def test_lets_one_of_two_through(self, gateway: Gateway, now: datetime) -> None:
        mine = ended(gateway, "UNFILLED", now)
        theirs = Batch.objects.get(pk=mine.pk)
        mark_complete(batch=theirs, now=now)

        with pytest.raises(NotUnfinished):
            mark_complete(batch=mine, now=now)

        assert Event.objects.count() == 1

    def test_moves_the_fence(self, gateway: Gateway, now: datetime) -> None:
        batch = ended(gateway, "PARTIALLYFILLED", now)

        mark_complete(batch=batch, now=now)

        assert not Batch.objects.filter(pk=batch.pk, attempts=batch.attempts).update(sequence=F("sequence") + 1)


class TestClosingInsteadOfFixing:
    """Of a FIX that its user does not want after all."""

    @pytest.fixture
    def fix(self, partner: Partner) -> Transaction:
        make.smallcase()
        investor = Investor(partner, client_id="partial")
        made = Transaction.objects.get(transaction_id=investor.create("FIX"))
        return log_in(transaction=made, broker="kite", client_id="partial", pin="1234", now=clock.wall())

    def test_marks_the_order_before_and_places_none(self, fix: Transaction) -> None:
        close_instead(transaction=fix, now=clock.wall())

        assert list(Batch.objects.values_list("status", flat=True)) == ["MARKEDCOMPLETE"]
        assert (fix.status, fix.error_code) == ("COMPLETED", None)

    def test_twice_is_refused(self, fix: Transaction) -> None:
        close_instead(transaction=fix, now=clock.wall())

        with pytest.raises(TransactionUsed):
            close_instead(transaction=fix, now=clock.wall())

    def test_of_an_order_marked_before_has_nothing_to_do(self, fix: Transaction) -> None:
        mark_complete(batch=Batch.objects.get(), now=clock.wall())

        with pytest.raises(SdkError) as refusal:
            close_instead(transaction=fix, now=clock.wall())

        assert refusal.value.code == 1002
        assert Transaction.objects.get(pk=fix.pk).status == "ERRORED"

    def test_is_for_a_fix_alone(self, partner: Partner, now: datetime) -> None:
        here = Gateway.objects.get(name=partner.name)
        made = make.logged_in(gateway=here, now=clock.wall())

        with pytest.raises(NotUnfinished):
            close_instead(transaction=made, now=clock.wall())

        assert Transaction.objects.get(pk=made.pk).status == "USED"
