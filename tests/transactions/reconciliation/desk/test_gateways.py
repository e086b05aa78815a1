"""A gateway arranged in the console: origins, endpoints, the clock; each by a permission of its own, and recorded."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from gateway.audit import trail
from gateway.database.encryption import decrypt
from gateway.models import AuditEntry, AuditHead, Gateway
from gateway.partners import clock
from tests import make
from tests.webhooks import ledger
from webhooks.models import Endpoint

pytestmark = pytest.mark.django_db
HOOK = "https://hooks.example/new"
SHOP = "https://shop.example"


def page(name: str, gateway: Gateway, endpoint: Endpoint) -> str:
    return {
        "change_origins": f"/admin/gateway/gateway/{gateway.pk}/origins/",
        "move_clock": f"/admin/transactions/ordercorrection/desk/gateways/{gateway.pk}/clock/",
        "add_endpoint": f"/admin/webhooks/endpoint/new/{gateway.pk}/",
        "move_endpoint": f"/admin/webhooks/endpoint/{endpoint.pk}/url/",
        "subscribe_endpoint": f"/admin/webhooks/endpoint/{endpoint.pk}/subscription/",
    }[name]


FORMS_OF_GATEWAYS = {"change_origins", "move_clock", "add_endpoint"}
FORMS: dict[str, dict[str, Any]] = {
    "change_origins": {"origins": f"{SHOP}\r\n", "seen": "[]"},
    "move_clock": {"amount": "15", "unit": "minutes"},
    "add_endpoint": {"url": HOOK, "types": ["order.placed"], "plan": "gateway"},
    "move_endpoint": {"url": HOOK},
    "subscribe_endpoint": {"types": ["action.pending"], "plan": "gateway"},
}


@pytest.fixture
def here() -> Gateway:
    return make.gateway()


@pytest.fixture
def hook(here: Gateway) -> Endpoint:
    return ledger.endpoint(here)


def operator(*permissions: str) -> Client:
    user = User.objects.create_user("asha", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=("view_gateway", "view_endpoint", *permissions)))
    client = Client()
    client.force_login(user)
    AuditEntry.objects.all().delete()
    AuditHead.objects.all().delete()
    return client


def state() -> list[Any]:
    columns = ("url", "types", "plan", "is_enabled")
    return [
        *Gateway.objects.values_list("allowed_origins", "clock_offset"),
        *Endpoint.objects.order_by("pk").values_list(*columns),
    ]


@pytest.mark.parametrize("name", FORMS)
class TestEach:
    def test_needs_its_own_permission(self, here: Gateway, hook: Endpoint, name: str) -> None:
        client, before = operator(*(other for other in FORMS if other != name), "change_gateway"), state()

        assert client.get(page(name, here, hook)).status_code == 403
        assert client.post(page(name, here, hook), FORMS[name]).status_code == 403

        assert (state(), AuditEntry.objects.exists()) == (before, False)

    def test_shows_a_form_without_script_and_changes_nothing(self, here: Gateway, hook: Endpoint, name: str) -> None:
        client, before = operator(name), state()

        shown = client.get(page(name, here, hook)).content.decode()

        assert "<form" in shown
        assert "style=" not in shown
        assert state() == before

    def test_is_recorded(self, here: Gateway, hook: Endpoint, name: str) -> None:
        client, before = operator(name), state()

        answer = client.post(page(name, here, hook), FORMS[name])

        assert answer.status_code == (200 if name == "add_endpoint" else 302)
        assert state() != before
        entry = AuditEntry.objects.get()
        assert (entry.by_name, entry.address) == ("asha", "127.0.0.1")
        assert entry.before != entry.after
        assert trail.verify().broken is None

    def test_is_offered_to_who_may(self, here: Gateway, hook: Endpoint, name: str) -> None:
        client, address = operator(name), page(name, here, hook)

        rows = (f"/admin/gateway/gateway/{here.pk}/change/", f"/admin/webhooks/endpoint/{hook.pk}/change/")
        offered = [address in client.get(row).content.decode() for row in rows]

        assert offered == [name in FORMS_OF_GATEWAYS, name not in FORMS_OF_GATEWAYS]


class TestOrigins:
    @pytest.mark.parametrize(
        "form", [{"origins": "http://shop.example"}, {"seen": '["https://x.example"]'}, {"seen": "{"}]
    )
    def test_are_refused_in_words(self, here: Gateway, hook: Endpoint, form: dict[str, str]) -> None:
        client, before = operator("change_origins"), state()

        answer = client.post(page("change_origins", here, hook), FORMS["change_origins"] | form)

        assert (answer.status_code, state()) == (200, before)


class TestTheClock:
    def test_goes_forward_and_comes_back(self, here: Gateway, hook: Endpoint) -> None:
        client, address = operator("move_clock"), page("move_clock", here, hook)

        client.post(address, FORMS["move_clock"] | {"unit": "hours"})
        assert Gateway.objects.get().clock_offset == timedelta(hours=15)
        client.post(address, {"second": "1"})
        client.post(address, {"second": "1"})

        assert Gateway.objects.get().clock_offset == timedelta(0)
        assert [json.loads(entry.after)["ahead"] for entry in AuditEntry.objects.order_by("number")] == [
            "15:00:00",
            "0:00:00",
        ]

    @pytest.mark.parametrize(
        "form", [{"amount": "0"}, {"amount": "-5"}, {"unit": "years"}, {"amount": "9999", "unit": "days"}]
    )
    def test_is_moved_forward_only_and_not_too_far(self, here: Gateway, hook: Endpoint, form: dict[str, str]) -> None:
        client = operator("move_clock")

        answer = client.post(page("move_clock", here, hook), FORMS["move_clock"] | form)

        assert (answer.status_code, Gateway.objects.get().clock_offset) == (200, timedelta(0))
        assert not AuditEntry.objects.exists()

    def test_of_a_live_gateway_is_not_there(self, hook: Endpoint) -> None:
        live = make.gateway(is_test=False)
        client = operator("move_clock")

        assert client.post(page("move_clock", live, hook), FORMS["move_clock"]).status_code == 404
        assert (
            page("move_clock", live, hook)
            not in client.get(f"/admin/gateway/gateway/{live.pk}/change/").content.decode()
        )


class TestEndpoints:
    def test_are_added_with_a_secret_that_is_shown_once(self, here: Gateway, hook: Endpoint) -> None:
        answer = operator("add_endpoint").post(page("add_endpoint", here, hook), FORMS["add_endpoint"])

        made = Endpoint.objects.get(url=HOOK)
        secret = decrypt(made.encrypted_secret)
        assert secret in answer.content.decode()
        assert "no-store" in answer["Cache-Control"]
        assert (made.gateway, made.types, made.plan) == (here, ["order.placed"], "gateway")
        assert secret not in AuditEntry.objects.get().after
        assert not made.created_at > clock.now(here)

    @pytest.mark.parametrize(
        "url", ["", "ftp://x.example/", "https://u:p@x.example/", "https://x.example/\0", "https://[x/"]
    )
    @pytest.mark.parametrize("name", ["add_endpoint", "move_endpoint"])
    def test_go_nowhere_that_is_no_url(self, here: Gateway, hook: Endpoint, name: str, url: str) -> None:
        client, before = operator(name), state()

        answer = client.post(page(name, here, hook), FORMS[name] | {"url": url})

        assert (answer.status_code, state(), AuditEntry.objects.exists()) == (200, before, False)

    @pytest.mark.parametrize("name", ["add_endpoint", "move_endpoint"])
    def test_are_one_for_each_url(self, here: Gateway, hook: Endpoint, name: str) -> None:
        Endpoint.objects.create(gateway=here, url=HOOK, encrypted_secret="", created_at=clock.wall())
        client, before = operator(name), state()

        answer = client.post(page(name, here, hook), FORMS[name])

        assert "has an endpoint with this URL already" in answer.content.decode()
        assert (state(), AuditEntry.objects.exists()) == (before, False)

    @pytest.mark.parametrize("form", [{"types": []}, {"types": ["order.lost"]}, {"plan": "never"}])
    def test_hear_what_there_is(self, here: Gateway, hook: Endpoint, form: dict[str, Any]) -> None:
        client, before = operator("subscribe_endpoint"), state()

        answer = client.post(page("subscribe_endpoint", here, hook), FORMS["subscribe_endpoint"] | form)

        assert (answer.status_code, state()) == (200, before)

    def test_that_are_moved_to_where_they_are_are_not_moved(self, here: Gateway, hook: Endpoint) -> None:
        client = operator("move_endpoint")

        assert client.post(page("move_endpoint", here, hook), {"url": hook.url}).status_code == 302

        assert not AuditEntry.objects.exists()
