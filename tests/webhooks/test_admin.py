"""The console's pages about webhooks, and what an operator may do there."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client

from gateway.models import Gateway
from gateway.partners import clock
from tests import make
from tests.smallcases.counting import at_most
from tests.webhooks import ledger
from webhooks.delivery.endpoints import disable
from webhooks.events.replay import Span, start_replay
from webhooks.models import Attempt, Delivery, Endpoint, Event, Replay

PAGES = ("endpoint", "event", "delivery", "attempt", "replay")


@pytest.fixture
def here(db: None) -> Gateway:
    """With an endpoint, three given-up deliveries that were tried, and a replay."""
    here = make.gateway()
    ledger.endpoint(here)
    now = clock.wall()
    ledger.events(here, now, 3)
    ledger.settled("GIVEN_UP", now)
    Attempt.objects.bulk_create(
        Attempt(delivery=row, at=now, duration_ms=3, status_code=500, response="down") for row in Delivery.objects.all()
    )
    start_replay(gateway=here, span=Span(since=now), now=now)
    return here


def logged_in(*permissions: str) -> Client:
    """An operator who may look, and do what is named."""
    operator = User.objects.create_user("operator", is_staff=True)
    viewing = [f"view_{page}" for page in PAGES]
    operator.user_permissions.set(Permission.objects.filter(codename__in=[*viewing, *permissions]))
    client = Client()
    client.force_login(operator)
    return client


def act(client: Client, page: str, action: str, rows: Any) -> list[str]:
    """What the operator is told."""
    chosen = {"action": action, "_selected_action": [row.pk for row in rows]}
    answer = client.post(f"/admin/webhooks/{page}/", chosen, follow=True)
    assert answer.status_code == 200
    return [str(message) for message in answer.context["messages"]]


@pytest.mark.parametrize("of", ["subject", "key", "request_id"])
def test_events_are_found_by_any_of_their_ids(here: Gateway, of: str) -> None:
    first, *_ = Event.objects.order_by("pk")
    Event.objects.filter(pk=first.pk).update(request_id="f" * 32, subject="c" * 24)
    ledger.events(make.gateway(), clock.wall(), 2)
    first.refresh_from_db()

    page = logged_in().get("/admin/webhooks/event/", {"q": getattr(first, of)})

    assert [event.pk for event in page.context["cl"].result_list] == [first.pk]


@pytest.mark.parametrize("status", ["DUE", "GIVEN_UP", "DELIVERED"])
def test_deliveries_are_told_by_their_status(here: Gateway, status: str) -> None:
    first, second, third = Delivery.objects.order_by("pk")
    now = clock.wall()
    Delivery.objects.filter(pk=second.pk).update(status="DUE", due_at=now, finished_at=None)
    Delivery.objects.filter(pk=third.pk).update(status="DELIVERED")
    wanted = {"GIVEN_UP": first, "DUE": second, "DELIVERED": third}

    page = logged_in().get("/admin/webhooks/delivery/", {"status__exact": status})

    assert list(page.context["cl"].result_list) == [wanted[status]]


@pytest.mark.parametrize("page", PAGES)
def test_a_list_is_shown_in_as_many_statements_however_long(here: Gateway, page: str) -> None:
    client = logged_in()

    with at_most(9):
        answer = client.get(f"/admin/webhooks/{page}/")

    assert answer.status_code == 200
    assert len(answer.context["cl"].result_list) in {1, 3}


@pytest.mark.parametrize("model", [Endpoint, Event, Delivery, Attempt, Replay])
def test_a_row_is_shown_without_secrets(here: Gateway, model: Any) -> None:
    page = logged_in().get(f"/admin/webhooks/{model._meta.model_name}/{model.objects.latest('pk').pk}/change/")

    assert page.status_code == 200
    assert b"sealed" not in page.content
    assert b'name="_save"' not in page.content


def test_an_attempt_is_shown_with_what_was_sent(here: Gateway) -> None:
    """As text, whatever a note says."""
    event = Event.objects.latest("pk")
    Event.objects.filter(pk=event.pk).update(payload={**event.payload, "notes": "<script>alert(1)</script>"})
    attempt = Attempt.objects.get(delivery__event=event)

    client = logged_in()

    with at_most(9):
        page = client.get(f"/admin/webhooks/attempt/{attempt.pk}/change/").content.decode()

    assert f"webhook-id: {event.key}" in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_an_event_is_shown_with_what_became_of_it(here: Gateway) -> None:
    page = logged_in().get(f"/admin/webhooks/event/{Event.objects.latest('pk').pk}/change/")

    assert b"Given Up" in page.content


@pytest.mark.parametrize(("health", "shown"), [("failing", {"ailing"}), ("disabled", {"dead"}), ("well", {"hooks"})])
def test_endpoints_are_found_by_their_health(here: Gateway, health: str, shown: set[str]) -> None:
    now = clock.wall()
    ailing, dead = (ledger.endpoint(here, name) for name in ("ailing", "dead"))
    Endpoint.objects.filter(pk=ailing.pk).update(failures=3, failing_since=now)
    disable(dead, because="It answered 410.", now=now)

    page = logged_in().get("/admin/webhooks/endpoint/", {"health": health})

    assert {row.url.rsplit("/", 1)[1] for row in page.context["cl"].result_list} == shown


def test_a_healthy_endpoint_has_a_badge_and_a_dash_for_no_failure(here: Gateway) -> None:
    shown = logged_in().get("/admin/webhooks/endpoint/").content.decode()

    assert '<span class="badge good">healthy</span>' in shown
    assert '<td class="field-failing_since nowrap">—</td>' in shown


class TestSendAgain:
    @pytest.mark.parametrize("page", ["delivery", "event"])
    def test_puts_the_chosen_back_and_says_how_many(self, here: Gateway, page: str) -> None:
        rows = {"delivery": Delivery, "event": Event}[page]._default_manager.all()[:2]

        told = act(logged_in("change_delivery"), page, "send_again", rows)

        assert told == ["2 deliveries put back in the queue."]
        assert Delivery.objects.filter(status="DUE").count() == 2
        assert set(LogEntry.objects.values_list("change_message", flat=True)) == {"Sent again."}
        assert LogEntry.objects.count() == 2

    @pytest.mark.parametrize("page", ["delivery", "event"])
    def test_is_not_for_those_who_may_only_look(self, here: Gateway, page: str) -> None:
        client = logged_in()

        act(client, page, "send_again", {"delivery": Delivery, "event": Event}[page]._default_manager.all())

        assert not Delivery.objects.filter(status="DUE").exists()

    def test_sends_nothing_to_disabled_endpoints(self, here: Gateway) -> None:
        disable(Endpoint.objects.get(), because="For a test.", now=clock.wall())

        told = act(logged_in("change_delivery"), "delivery", "send_again", Delivery.objects.all())

        assert told == ["0 deliveries put back in the queue."]


class TestEndpoints:
    def test_are_enabled_and_recover_what_they_missed(self, here: Gateway) -> None:
        disable(Endpoint.objects.get(), because="It failed.", now=clock.wall() - timedelta(hours=1))
        Replay.objects.all().delete()

        told = act(logged_in("change_endpoint"), "endpoint", "enable_and_recover", Endpoint.objects.all())

        assert told == ["1 endpoint. Enabled; missed events are being replayed."]
        assert Endpoint.objects.get().is_enabled
        assert Replay.objects.get().endpoint == Endpoint.objects.get()

    def test_that_missed_nothing_are_told_apart(self, here: Gateway) -> None:
        Replay.objects.all().delete()

        told = act(logged_in("change_endpoint"), "endpoint", "enable_and_recover", Endpoint.objects.all())

        assert "is neither failing nor disabled" in told[0]
        assert not Replay.objects.exists()

    def test_are_disabled_once(self, here: Gateway) -> None:
        client = logged_in("change_endpoint")

        told = [act(client, "endpoint", "disable", Endpoint.objects.all()) for _ in range(2)]

        assert told == [["1 endpoint. Disabled."], ["0 endpoints. Disabled."]]
        assert Endpoint.objects.get().disabled_reason == "By an operator."
        assert LogEntry.objects.count() == 1

    @pytest.mark.parametrize("action", ["enable_and_recover", "disable"])
    def test_are_left_alone_by_those_who_may_only_look(self, here: Gateway, action: str) -> None:
        act(logged_in(), "endpoint", action, Endpoint.objects.all())

        assert Endpoint.objects.get().is_enabled
        assert Replay.objects.filter(endpoint__isnull=False).count() == 0
