"""Whatever an operator or a manager may write is recorded: who, from where, before and after."""

import json
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, Final

import pytest
from axes.models import AccessAttempt
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db.models import Model
from django.test import Client, RequestFactory

from brokers.models import BrokerOutage, MarketDay
from gateway.audit import trail
from gateway.models import AuditEntry, AuditHead, AuthenticatorApp, Gateway
from gateway.partners import clock
from gateway.partners.credentials import Kind, rotate
from tests import make
from tests.smallcases import shelf
from tests.smallcases.api.test_manager_api import BODY, call
from tests.webhooks import ledger
from transactions.models import Batch, Order
from webhooks.delivery.endpoints import disable, rotate_secret
from webhooks.models import Delivery, Endpoint, Event, Replay

pytestmark = pytest.mark.usefixtures("instruments")
ROOM: Final = "127.0.0.1"
Scene = Callable[[], Iterable[Model]]


def given_up() -> None:
    here = make.gateway()
    ledger.endpoint(here)
    ledger.events(here, clock.wall(), 2)
    ledger.settled("GIVEN_UP", clock.wall())


def deliveries() -> Iterable[Model]:
    given_up()
    return Delivery.objects.all()


def events() -> Iterable[Model]:
    given_up()
    return Event.objects.all()


def endpoints() -> Iterable[Model]:
    return [ledger.endpoint(make.gateway())]


def disabled_endpoints() -> Iterable[Model]:
    hook = ledger.endpoint(make.gateway())
    disable(hook, because="For a test.", now=clock.wall() - timedelta(hours=1))
    return [hook]


def rotated_endpoints() -> Iterable[Model]:
    hook = ledger.endpoint(make.gateway())
    rotate_secret(hook)
    return [hook]


def rotated(kind: Kind) -> Iterable[Model]:
    here = make.gateway()
    rotate(here, kind=kind)
    return [here]


def unfilled_batches() -> Iterable[Model]:
    batch = make.queued_batch(gateway=make.gateway(), securities=make.TWO_WAY[:1], now=clock.wall())
    Order.objects.filter(batch=batch).update(status="REJECTED")
    Batch.objects.filter(pk=batch.pk).update(status="UNFILLED", placed_at=clock.wall(), completed_at=clock.wall())
    return [batch]


def outages() -> Iterable[Model]:
    now = clock.wall()
    later = {"wait": timedelta(minutes=1), "probe_at": now + timedelta(minutes=1), "reason": "For a test."}
    return [BrokerOutage.objects.create(gateway=make.gateway(), broker="kite", since=now, **later)]


def market_days() -> Iterable[Model]:
    return [MarketDay.objects.create(day=date(2026, 12, 24), note="A holiday.")]


def locked() -> Iterable[Model]:
    attempt = {"ip_address": ROOM, "user_agent": "", "get_data": "", "post_data": "", "failures_since_start": 5}
    AccessAttempt.objects.create(username="locked", attempt_time=clock.wall(), **attempt)
    return [User.objects.create_user("locked")]


def with_apps() -> Iterable[Model]:
    user = User.objects.create_user("asha")
    AuthenticatorApp.objects.create(user=user, name="app")
    return [user]


# What there must be, for an action to have something to do. An action that is not here fails its test.
SCENES: Final[dict[str, Scene]] = {
    "endpoint.enable_and_recover": disabled_endpoints,
    "endpoint.disable": endpoints,
    "delivery.send_again": deliveries,
    "event.send_again": events,
    "endpoint.rotate_signing_secret": endpoints,
    "endpoint.retire_signing_secret": rotated_endpoints,
    "gateway.rotate_api_secret": lambda: [make.gateway()],
    "gateway.rotate_jwt_secret": lambda: [make.gateway()],
    "gateway.retire_api_secret": lambda: rotated("api"),
    "gateway.retire_jwt_secret": lambda: rotated("jwt"),
    "batch.mark_complete": unfilled_batches,
    "brokeroutage.try_now": outages,
    "marketday.delete_selected": market_days,
    "user.unlock": locked,
    "user.take_second_factor_away": with_apps,
    "user.delete_selected": lambda: [User.objects.create_user("leaver")],
    "group.delete_selected": lambda: [Group.objects.create(name="Passing")],
}


def actions() -> list[str]:
    """All that the console offers to somebody who may do everything."""
    request = RequestFactory().get("/admin/")
    request.user = User(username="root", is_superuser=True, is_staff=True)
    found = (
        (page.opts.model_name, name) for page in admin.site._registry.values() for name in page.get_actions(request)
    )
    return sorted(f"{model}.{name}" for model, name in found)


@pytest.fixture
def root(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root", password="a long password"))
    AuditEntry.objects.all().delete()
    AuditHead.objects.all().delete()
    return client


def page_of(model_name: str) -> str:
    (model,) = (model for model in admin.site._registry if model._meta.model_name == model_name)
    return f"/admin/{model._meta.app_label}/{model_name}/"


@pytest.mark.parametrize("action", actions())
def test_every_action_is_recorded(root: Client, action: str) -> None:
    model_name, name = action.split(".")
    rows = list(SCENES[action]()) if name != "export_csv" else []

    # An export is of all, or of those that are chosen.
    chosen = {"_selected_action": [row.pk for row in rows] or [0], "select_across": "01"[not rows]}
    answer = root.post(page_of(model_name), {"action": name, "post": "yes", **chosen})

    shows = name == "export_csv" or name.startswith("rotate")
    assert answer.status_code == (200 if shows else 302)
    (entry,) = AuditEntry.objects.all()
    assert (entry.by_name, entry.address) == ("root", ROOM)
    assert entry.before != entry.after
    assert trail.verify().broken is None


def test_no_scene_is_left_over() -> None:
    assert set(SCENES) == {action for action in actions() if not action.endswith(".export_csv")}


class TestWhatIsEditedByHand:
    def test_is_recorded_when_it_is_added(self, root: Client) -> None:
        answer = root.post("/admin/brokers/marketday/add/", {"day": "2026-12-24", "note": "Extra holiday"})

        assert answer.status_code == 302
        entry = AuditEntry.objects.get()
        assert (entry.act, entry.before, json.loads(entry.after)["day"]) == ("add market day", "{}", "2026-12-24")

    def test_is_recorded_with_what_changed_alone(self, root: Client) -> None:
        MarketDay.objects.create(day=date(2026, 12, 24), note="Old")
        row = MarketDay.objects.get()

        root.post(f"/admin/brokers/marketday/{row.pk}/change/", {"day": "2026-12-24", "note": "New"})

        entry = AuditEntry.objects.get()
        assert (entry.act, entry.before, entry.after) == ("change market day", '{"note":"Old"}', '{"note":"New"}')

    def test_is_recorded_when_it_is_deleted(self, root: Client) -> None:
        row = MarketDay.objects.create(day=date(2026, 12, 24), note="Old")

        root.post(f"/admin/brokers/marketday/{row.pk}/delete/", {"post": "yes"})

        entry = AuditEntry.objects.get()
        assert (entry.act, json.loads(entry.before)["note"], entry.after) == ("delete market day", "Old", "{}")

    def test_is_recorded_of_a_users_groups(self, root: Client) -> None:
        user = User.objects.create_user("asha")
        group = Group.objects.create(name="Readers")

        form = {"username": "asha", "groups": [group.pk], "is_active": "on", "date_joined_0": "2026-11-20"}
        answer = root.post(f"/admin/auth/user/{user.pk}/change/", form | {"date_joined_1": "05:30:00"})

        assert answer.status_code == 302
        entry = AuditEntry.objects.get()
        assert (json.loads(entry.before)["groups"], json.loads(entry.after)["groups"]) == ([], ["Readers"])

    def test_is_recorded_of_a_password_without_saying_it(self, root: Client) -> None:
        user = User.objects.create_user("asha", password="the old password")
        new = {"password1": "quite a new one 7", "password2": "quite a new one 7"}

        answer = root.post(f"/admin/auth/user/{user.pk}/password/", new)

        assert answer.status_code == 302
        entry = AuditEntry.objects.get()
        assert (entry.subject, entry.before, entry.after) == ("asha", '{"password":"(withheld)"}', entry.before)


class TestLogins:
    def test_are_recorded_with_the_address(self, root: Client) -> None:
        client = Client()

        client.post("/admin/login/", {"username": "root", "password": "a long password"})
        client.post("/admin/logout/")

        assert list(AuditEntry.objects.values_list("act", "subject", "by_name", "address").order_by("number")) == [
            ("log in", "user root", "root", ROOM),
            ("log out", "user root", "root", ROOM),
        ]

    def test_that_fail_are_recorded_without_the_password(self, root: Client) -> None:
        Client().post("/admin/login/", {"username": "root", "password": "hunter2 hunter2"})

        entry = AuditEntry.objects.get()
        assert (entry.act, entry.by_id, entry.address) == ("log in, refused", None, ROOM)
        assert entry.subject == "user root"
        assert "hunter2" not in repr(vars(entry))

    @pytest.mark.parametrize("typed", ["hunter2 hunter2", "r\x7foot", "root\0"])
    def test_that_fail_do_not_keep_what_is_nobodys_name(self, root: Client, typed: str) -> None:
        """It may be a password, typed into the wrong field."""
        Client().post("/admin/login/", {"username": typed, "password": "wrong"})

        subjects = set(AuditEntry.objects.values_list("subject", flat=True))
        assert subjects <= {"user (no such name)"}

    def test_come_from_where_the_proxy_saw_them(self, root: Client, settings: Any) -> None:
        settings.PROXIES_IN_FRONT = 1
        hops = {"X-Forwarded-For": "198.51.100.1, 192.0.2.7"}

        Client(headers=hops).post("/admin/login/", {"username": "root", "password": "wrong"})

        assert AuditEntry.objects.get().address == "192.0.2.7"


class TestPublishing:
    def test_over_http_is_recorded(self, root: Client) -> None:
        meera = shelf.manager()
        shelf.smallcase(manager="meera")

        assert call(meera, body=BODY).status == 200

        entry = AuditEntry.objects.get()
        assert (entry.by_name, entry.act, entry.subject) == ("meera", "publish rebalance", "smallcase SCNM_0001")
        assert json.loads(entry.before) == {"version": 1, "weights": {"INFY": "60", "TCS": "40"}}
        assert json.loads(entry.after)["weights"] == {"INFY": "50.5", "WIPRO": "49.5"}

    def test_that_is_refused_is_not(self, root: Client) -> None:
        meera = shelf.manager()
        shelf.smallcase(manager="meera")

        assert call(meera, body={**BODY, "label": ""}).status == 400

        assert not AuditEntry.objects.exists()


COMMANDS: Final = (
    ("create_gateway", "demo"),
    ("load_instruments",),
    ("load_smallcases",),
    ("reencrypt_secrets",),
    ("manager_token", "meera"),
    ("publish_rebalance", "SCXX_0001", "{file}", "--label", "Anew"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_command_that_writes_is_recorded(root: Client, command: tuple[str, ...], tmp_path: Path) -> None:
    shelf.manager()
    shelf.smallcase("SCXX_0001", manager="meera")
    file = tmp_path / "weights.csv"
    file.write_text("ticker,weight\nINFY,50\nWIPRO,50\n")

    call_command(*(word.format(file=file) for word in command), stdout=StringIO(), stderr=StringIO())

    (entry,) = AuditEntry.objects.all()
    assert entry.by_id is None
    assert entry.act.endswith(f"(manage.py {command[0]})")
    assert "@" in entry.address


def test_what_users_and_workers_do_is_not(root: Client) -> None:
    here: Gateway = make.gateway()
    hook = ledger.endpoint(here)
    disable(hook, because="It answered 410.", now=clock.wall())

    assert not AuditEntry.objects.exists()
    assert not Endpoint.objects.get().is_enabled
    assert not Replay.objects.exists()
