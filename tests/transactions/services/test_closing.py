from datetime import datetime, timedelta

import pytest
from django.db.models import F

from gateway.models import Gateway
from tests import make
from transactions.models import Batch, Order
from transactions.services.closing import NotUnfinished, mark_complete
from transactions.states import UNFINISHED_BATCH, BatchStatus
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

    def test_tells_the_partner(self, gateway: Gateway, now: datetime) -> None:
        batch = ended(gateway, "UNFILLED", now)

        mark_complete(batch=batch, now=now + LATER)

        event = Event.objects.get(subject=batch.batch_id)
        assert (event.type, event.sequence, event.created_at) == ("order.updated", 3, now + LATER)
        assert (event.payload["status"], event.payload["orders"][0]["status"]) == ("MARKEDCOMPLETE", "REJECTED")

    @pytest.mark.parametrize("status", sorted(set(BatchStatus) - UNFINISHED_BATCH - {BatchStatus.QUEUED}))
    def test_refuses_any_other(self, gateway: Gateway, now: datetime, status: str) -> None:
        batch = ended(gateway, status, now)

        with pytest.raises(NotUnfinished, match=f"in {status} cannot"):
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
