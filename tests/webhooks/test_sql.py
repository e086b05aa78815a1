"""Each statement finds what the equivalent queryset finds."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.db.transaction import atomic

from gateway.models import Gateway
from gateway.partners import clock
from gateway.queue import leases
from tests import make
from tests.same_rows import loaded, same
from tests.webhooks.owing import owe
from webhooks import sql
from webhooks.delivery.dispatcher import next_in_line, take
from webhooks.delivery.endpoints import add_endpoint, disable
from webhooks.models import Delivery, Endpoint


def listening(now: datetime, *, endpoints: int = 1) -> Gateway:
    made = make.gateway()
    for number in range(endpoints):
        add_endpoint(gateway=made, url=f"https://partner.example/{number}", now=now)
    return made


@pytest.fixture
def owed(db: None, now: datetime) -> None:
    """Of two gateways, one of them a day ahead: due, not due, leased, bulk, behind another, settled, disabled."""
    here, ahead = listening(now, endpoints=2), listening(now)
    clock.advance(ahead, by=timedelta(days=1))
    for minutes in range(4):
        owe(here, now - timedelta(minutes=minutes), subject=f"{minutes}")
    owe(here, now, subject="0", sequence=2)
    owe(here, now + timedelta(hours=1), subject="later")
    owe(ahead, now + timedelta(hours=1), subject="later")
    owe(ahead, now + timedelta(days=2), subject="much later")
    rows = list(Delivery.objects.order_by("pk"))
    Delivery.objects.filter(pk=rows[0].pk).update(is_bulk=True, attempts=3, failures=2)
    Delivery.objects.filter(pk=rows[1].pk).update(leased_until=now + timedelta(seconds=9))
    Delivery.objects.filter(pk=rows[2].pk).update(status="DELIVERED", due_at=None, finished_at=now)
    gone = listening(now)
    owe(gone, now)
    disable(Endpoint.objects.get(gateway=gone), because="It is gone.", now=now)


def expected(closed: list[int]) -> list[Delivery]:
    rows = leases.due(next_in_line(), clock.clocks()).exclude(endpoint__pk__in=closed)
    return list(rows.select_related("event", "endpoint", "gateway").order_by("is_bulk", "due_at", "pk"))


@pytest.mark.usefixtures("owed")
class TestDueDeliveries:
    def found(self, *, closed: list[int], limit: int = 99) -> list[Delivery]:
        with atomic():
            rows = sql.due_deliveries(clock.clocks(), closed=closed, limit=limit)
        return sorted(rows, key=lambda one: (one.is_bulk, one.due_at, one.pk))

    @pytest.mark.parametrize("closed", [0, 1, 2])
    def test_are_the_querysets(self, closed: int) -> None:
        excluded = list(Endpoint.objects.order_by("pk").values_list("pk", flat=True))[:closed]
        found, others = self.found(closed=excluded), expected(excluded)

        assert same(found, others)
        for name in ("event", "endpoint", "gateway"):
            assert same((getattr(one, name) for one in found), (getattr(one, name) for one in others))

    def test_are_at_most_the_limit_the_longest_due_first(self) -> None:
        assert same(self.found(closed=[], limit=2), expected([])[:2])


class TestListeners:
    def test_are_the_querysets(self, db: None, now: datetime) -> None:
        here, _ = listening(now, endpoints=3), listening(now)
        disable(Endpoint.objects.filter(gateway=here)[0], because="It is gone.", now=now)
        rows = Endpoint.objects.filter(gateway=here, is_enabled=True).only("types").order_by("pk")

        assert same(sorted(sql.listeners(here.pk), key=lambda one: one.pk), rows)
        assert len(rows) == 2


@pytest.mark.usefixtures("owed")
class TestFencingTokens:
    def test_are_the_querysets(self) -> None:
        keys = list(Delivery.objects.values_list("pk", flat=True))[1:]

        with atomic():
            found = sql.fencing_tokens([*keys, 999_999])

        assert found == dict(Delivery.objects.filter(pk__in=keys).values_list("pk", "attempts"))
        assert sql.fencing_tokens([]) == {}


@pytest.mark.servers  # a migration changes SQLite's tables by copying them
class TestAfterAMigration:
    """A dispatcher's connection outlives the migration of another process."""

    @pytest.mark.parametrize("column", ["request_id", "subject"])
    def test_deliveries_are_still_found(self, transactional_db: None, now: datetime, column: str) -> None:
        gateway = listening(now)
        for number in range(40):
            owe(gateway, now - timedelta(minutes=1), subject=f"{number}")
            assert len(take(room=1)) == 1
        owe(gateway, now, subject="after")
        try:
            changed(column, 70)
            (found,) = take()
            assert loaded(found.event) == loaded(Delivery.objects.get(pk=found.pk).event)
        finally:
            changed(column, {"request_id": 64, "subject": 40}[column])


def changed(column: str, characters: int) -> None:
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute(f"ALTER TABLE webhooks_event ALTER COLUMN {column} TYPE varchar({characters})")
    other.close()
