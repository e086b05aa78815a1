from datetime import datetime, timedelta

import pytest

from gateway.models import Gateway
from tests import make
from transactions.execution.requeue import requeue
from transactions.models import Batch

HOUR = timedelta(hours=1)


@pytest.fixture
def batch(gateway: Gateway, now: datetime) -> Batch:
    return make.queued_batch(gateway=gateway, now=now)


def put(batch: Batch, status: str, due_at: datetime | None) -> None:
    Batch.objects.filter(pk=batch.pk).update(status=status, placed_at=due_at, due_at=due_at, attempts=4)


class TestWake:
    @pytest.mark.parametrize("status", ["PLACED", "PARTIALLYPLACED", "ERROR"])
    def test_makes_due_what_is_looked_after_and_moves_the_fence(self, batch: Batch, now: datetime, status: str) -> None:
        put(batch, status, now + HOUR)

        requeue(Batch.objects.all(), batch.gateway, now=now)

        batch.refresh_from_db()
        assert (batch.due_at, batch.attempts) == (now, 5)

    @pytest.mark.parametrize("status", ["COMPLETED", "UNFILLED", "UNPLACED", "MARKEDCOMPLETE"])
    def test_lets_what_is_final_sleep(self, batch: Batch, now: datetime, status: str) -> None:
        put(batch, status, now + HOUR)

        requeue(Batch.objects.all(), batch.gateway, now=now)

        batch.refresh_from_db()
        assert (batch.due_at, batch.attempts) == (now + HOUR, 4)

    def test_does_not_disturb_what_is_being_placed(self, batch: Batch, now: datetime) -> None:
        requeue(Batch.objects.all(), batch.gateway, now=now + HOUR)

        batch.refresh_from_db()
        assert (batch.due_at, batch.attempts) == (now, 0)

    def test_keeps_to_its_gateway(self, batch: Batch, now: datetime) -> None:
        put(batch, "PLACED", now + HOUR)

        requeue(Batch.objects.all(), make.gateway(), now=now)

        batch.refresh_from_db()
        assert (batch.due_at, batch.attempts) == (now + HOUR, 4)
