"""What a set of attempts does to deliveries and to the health of endpoints."""

from datetime import datetime, timedelta

import pytest

from gateway.models import Gateway
from gateway.partners import clock
from tests import make
from tests.webhooks.owing import owe
from webhooks.delivery.client import EndpointResponse
from webhooks.delivery.dispatcher import take
from webhooks.delivery.endpoints import add_endpoint
from webhooks.delivery.record_attempts import FinishedAttempt, give_up_disabled, settle
from webhooks.models import Attempt, Delivery, Endpoint

OK, BROKEN, GONE = EndpointResponse(200, 5), EndpointResponse(500, 5), EndpointResponse(410, 5)
Health = tuple[int, datetime | None, bool, str]


@pytest.fixture
def gateway(db: None, still: None, now: datetime) -> Gateway:
    """With one endpoint."""
    made = make.gateway()
    add_endpoint(gateway=made, url="https://partner.example/hooks", now=now)
    return made


def finish(gateway: Gateway, *answers: EndpointResponse) -> list[Delivery]:
    """An event for each answer, all of them sent and answered at once."""
    now = clock.now(gateway)
    owed = [owe(gateway, now, subject=f"{Delivery.objects.count():024}") for _ in answers]
    taken = {delivery.pk: delivery for delivery in take()}
    settle([FinishedAttempt(taken[one.pk], now, answer) for one, answer in zip(owed, answers, strict=True)])
    return list(Delivery.objects.filter(pk__in=taken).order_by("pk"))


def health() -> Health:
    row = Endpoint.objects.get()
    return row.failures, row.failing_since, row.is_enabled, row.disabled_reason


class TestSettle:
    def test_settles_each_by_its_own_answer(self, gateway: Gateway, now: datetime) -> None:
        settled = finish(gateway, OK, BROKEN, OK)

        assert [(one.status, one.failures) for one in settled] == [("DELIVERED", 0), ("DUE", 1), ("DELIVERED", 0)]
        assert [one.finished_at for one in settled] == [now, None, now]
        assert Attempt.objects.count() == 3

    def test_tells_each_gateways_own_time(self, gateway: Gateway, now: datetime) -> None:
        later = make.later(gateway, days=2)
        gateway.refresh_from_db()

        (settled,) = finish(gateway, OK)

        assert (settled.finished_at, settled.leased_until) == (later, now)

    def test_of_nothing_does_nothing(self, gateway: Gateway) -> None:
        settle([])

        assert Attempt.objects.count() == 0

    def test_leaves_a_row_that_another_has_claimed(self, gateway: Gateway, now: datetime) -> None:
        owe(gateway, now)
        (mine,) = take()
        Delivery.objects.update(attempts=mine.attempts + 1)

        settle([FinishedAttempt(mine, now, OK)])

        assert (Delivery.objects.get().status, Attempt.objects.get().status_code) == ("DUE", 200)


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("status", "asked", "waits"),
        [(429, "60", 60), (503, "60", 60), (503, "Fri, 20 Nov 2026 05:31:00 GMT", 60), (429, "86400", 300)],
    )
    def test_is_obeyed_up_to_the_next_step(
        self, gateway: Gateway, now: datetime, status: int, asked: str, waits: int
    ) -> None:
        (settled,) = finish(gateway, EndpointResponse(status, 5, retry_after=asked))

        assert settled.due_at == now + timedelta(seconds=waits)

    @pytest.mark.parametrize(("status", "asked"), [(500, "60"), (429, ""), (503, "soon"), (429, "1")])
    def test_of_another_status_or_shorter_than_the_plan_changes_nothing(
        self, gateway: Gateway, now: datetime, status: int, asked: str
    ) -> None:
        (settled,) = finish(gateway, EndpointResponse(status, 5, retry_after=asked))

        assert settled.due_at is not None
        assert timedelta(seconds=4.5) <= settled.due_at - now <= timedelta(seconds=5.5)


class TestHealth:
    def test_counts_failures_since_the_first(self, gateway: Gateway, now: datetime) -> None:
        finish(gateway, BROKEN, BROKEN)
        make.later(gateway, hours=1)
        gateway.refresh_from_db()
        finish(gateway, BROKEN)

        assert health() == (3, now, True, "")

    def test_is_whole_after_a_success(self, gateway: Gateway) -> None:
        finish(gateway, BROKEN)

        finish(gateway, OK)

        assert health() == (0, None, True, "")

    def test_counts_from_the_last_success_of_a_set(self, gateway: Gateway, now: datetime) -> None:
        finish(gateway, BROKEN)

        finish(gateway, BROKEN, OK, BROKEN, BROKEN)

        assert health() == (2, now, True, "")

    def test_ends_with_410(self, gateway: Gateway) -> None:
        finish(gateway, GONE)

        assert health()[2:] == (False, "The endpoint answered 410 Gone.")

    def test_ends_with_a_hundred_failures_in_a_row(self, gateway: Gateway) -> None:
        finish(gateway, *[BROKEN] * 99)
        before = health()[2:]

        finish(gateway, BROKEN)

        assert before == (True, "")
        assert health()[2:] == (False, "The endpoint failed 100 times in a row.")

    def test_ends_with_five_days_of_failures(self, gateway: Gateway) -> None:
        finish(gateway, BROKEN)
        make.later(gateway, days=5)
        gateway.refresh_from_db()

        finish(gateway, BROKEN)

        assert health()[2:] == (False, "The endpoint failed for 5 days in a row.")

    def test_of_one_is_not_that_of_another(self, gateway: Gateway, now: datetime) -> None:
        other = make.gateway()
        add_endpoint(gateway=other, url="https://other.example/hooks", now=now)

        finish(gateway, GONE)
        finish(other, OK)

        assert list(Endpoint.objects.order_by("pk").values_list("is_enabled", flat=True)) == [False, True]


class TestGiveUpDisabled:
    def test_settles_what_a_disabled_endpoint_was_owed(self, gateway: Gateway, now: datetime) -> None:
        finish(gateway, BROKEN, GONE)

        given_up = [give_up_disabled() for _ in range(2)]

        assert given_up == [2, 0]
        assert set(Delivery.objects.values_list("status", "due_at", "finished_at")) == {("GIVEN_UP", None, now)}

    def test_drops_what_is_still_in_flight(self, gateway: Gateway, now: datetime) -> None:
        owe(gateway, now)
        (flying,) = take()
        finish(gateway, GONE)
        give_up_disabled()

        settle([FinishedAttempt(flying, now, BROKEN)])

        assert set(Delivery.objects.values_list("status", flat=True)) == {"GIVEN_UP"}

    def test_leaves_enabled_ones_alone(self, gateway: Gateway) -> None:
        finish(gateway, BROKEN)

        assert give_up_disabled() == 0
