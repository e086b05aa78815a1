"""What the roles can do in the console, tried out: every page is asked, and every form and action is sent."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver

from gateway import clock
from gateway.audit import Actor
from gateway.models import AuditEntry, Gateway
from gateway.roles import AUDITORS, MANAGERS, OURS, SUPPORT
from smallcases.drafts import Line
from smallcases.models import Investment, RebalanceDraft, Smallcase, Version
from smallcases.services import drafting
from tests.gateway.test_home import troubles
from tests.smallcases import shelf
from webhooks.models import Endpoint

pytestmark = pytest.mark.usefixtures("instruments")
# What grows when somebody reads or leaves: the trail, and the session.
GROWS = {"gateway.AuditEntry", "gateway.AuditHead"}
FILLED_IN = {"post": "yes", "_save": "Save", "name": "x", "username": "x", "day": "2026-12-24", "note": "x"}
PEOPLE = ("auth.User", "auth.Group", "gateway.AuthenticatorApp", "axes.AccessAttempt")


def somebody(role: str, name: str = "asha") -> Client:
    user = User.objects.create_user(name, password="a long password", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def everything() -> Mapping[str, str]:
    """Each table that is somebody's business, as a digest."""
    models = [model for label in OURS for model in apps.get_app_config(label).get_models()]
    kept = [model for model in models if model._meta.label not in GROWS]
    return {model._meta.label: _digest(model) for model in [*kept, *map(apps.get_model, PEOPLE)]}


def _digest(model: type[Model]) -> str:
    rows = [{**row, "last_login": None} for row in model._default_manager.order_by("pk").values()]
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def forms() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every address of the console, for a row that is there, with whatever a form or an action could bring."""
    root = RequestFactory().get("/")
    root.user = User(username="root", is_superuser=True, is_staff=True)
    for model, page in admin.site._registry.items():
        here = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        rows = list(model._default_manager.values_list("pk", flat=True)[:5])
        for action in [*page.get_actions(root), "delete_selected"]:
            yield here, {"action": action, "_selected_action": rows or [0], "select_across": "1", "post": "yes"}
        for path in _paths(page.get_urls(), str(rows[0]) if rows else "1"):
            yield (
                here + path,
                {"post": "yes", "_save": "Save", "name": "x", "username": "x", "day": "2026-12-24", "note": "x"},
            )
    yield from filled_in()
    for path in ("", "jsi18n/", "r/1/1/", "autocomplete/", "second-factor/", "password_change/", "transactions/"):
        yield f"/admin/{path}", {"act": "give up", "code": "1", "old_password": "x"}


def written() -> RebalanceDraft:
    """A draft that could be published, by somebody else."""
    ravi = User.objects.create_superuser("ravi")
    of = Smallcase.objects.first() or shelf.smallcase("SCRV_0002", manager="ravi")
    draft = drafting.open_draft(smallcase=of, by=ravi, actor=Actor(ravi, "", clock.wall()))
    halves = [Line("INFY", "50"), Line("ITC", "50")]
    actor = Actor(ravi, "", clock.wall())
    drafting.edit(draft=draft, seen=draft.revision, lines=halves, label="Anew", rationale="", by=ravi, actor=actor)
    return draft


def filled_in() -> Iterator[tuple[str, dict[str, Any]]]:
    """Forms of the studio, of gateways and of endpoints, as somebody who may would send them."""
    for pk, revision in RebalanceDraft.objects.values_list("pk", "revision"):
        here = f"/admin/smallcases/smallcase/studio/drafts/{pk}/"
        for act in ("propose", "back", "approve", "publish", "discard"):
            yield f"{here}decide/", {"revision": revision, act: "1"}
        yield here, {"revision": revision, "ticker": ["INFY"], "weight": ["100"], "label": "Mine"}
    for pk in Smallcase.objects.values_list("pk", flat=True):
        yield f"/admin/smallcases/smallcase/studio/{pk}/open/", {"revision": "1"}
    subscription = {"types": ["order.placed"], "plan": "gateway"}
    for pk in Gateway.objects.values_list("pk", flat=True):
        yield f"/admin/gateway/gateway/{pk}/origins/", {"origins": "https://shop.example", "seen": "[]"}
        yield f"/admin/transactions/settlement/desk/gateways/{pk}/clock/", {"amount": "1", "unit": "hours"}
        yield f"/admin/webhooks/endpoint/new/{pk}/", {"url": "https://hooks.example/x", **subscription}
    for pk in Endpoint.objects.values_list("pk", flat=True):
        yield f"/admin/webhooks/endpoint/{pk}/url/", {"url": "https://hooks.example/y"}
        yield f"/admin/webhooks/endpoint/{pk}/subscription/", subscription


def _paths(patterns: Sequence[URLPattern | URLResolver], key: str) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _paths(pattern.url_patterns, key)
        else:
            yield str(pattern.pattern).replace("<path:object_id>", key).replace("<id>", key).replace("<int:pk>", key)


class TestAnAuditor:
    def test_changes_nothing_whatever_is_sent(self) -> None:
        troubles()
        written()
        client = somebody(AUDITORS)
        before, sent = everything(), 0

        answers = {}
        for path, form in forms():
            answers[path, form.get("action")] = client.post(path, form).status_code
            sent += 1

        assert everything() == before
        assert sent > 200
        assert not {asked: status for asked, status in answers.items() if status >= 500}

    def test_would_have_changed_something_with_more_rights(self) -> None:
        troubles()
        written()
        client = Client(raise_request_exception=False)
        client.force_login(User.objects.create_superuser("root"))
        before = everything()

        for path, form in forms():
            if not path.startswith("/admin/auth/"):  # it would delete itself
                client.post(path, form)

        changed = {label for label, digest in everything().items() if digest != before[label]}
        assert {"webhooks.Endpoint", "webhooks.Replay"} <= changed
        assert {"gateway.Gateway", "smallcases.RebalanceDraft"} <= changed

    def test_reads_all(self) -> None:
        troubles()
        client = somebody(AUDITORS)

        pages = [f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry]
        assert {page: client.get(page).status_code for page in pages} == dict.fromkeys(pages, 200)

    def test_reads_the_trail_entry_by_entry(self) -> None:
        client = somebody(AUDITORS)
        entry = AuditEntry.objects.get()

        page = client.get(f"/admin/gateway/auditentry/{entry.number}/change/")

        assert entry.digest in page.content.decode()
        assert b'name="_save"' not in page.content

    @pytest.mark.parametrize("term", ["asha", "log in", "user asha", "127.0.0.1"])
    def test_finds_who_did_what(self, term: str) -> None:
        client = somebody(AUDITORS)
        client.post("/admin/login/", {"username": "asha", "password": "a long password"})

        found = client.get("/admin/gateway/auditentry/", {"q": term}).context["cl"].result_list

        assert len(found) >= 1

    def test_sees_no_list_of_another_role_that_is_not_for_reading(self) -> None:
        assert somebody(SUPPORT).get("/admin/gateway/auditentry/").status_code == 403


class TestAManager:
    @pytest.fixture
    def theirs(self) -> Smallcase:
        User.objects.create_user("ravi")
        return shelf.smallcase("SCRV_0001", manager="ravi")

    def test_sees_own_smallcases_alone(self, theirs: Smallcase) -> None:
        client = somebody(MANAGERS, "meera")
        mine = shelf.smallcase("SCMR_0001", manager="meera")

        shown = client.get("/admin/smallcases/smallcase/").context["cl"].result_list

        assert list(shown) == [mine]
        assert client.get(f"/admin/smallcases/smallcase/{mine.pk}/change/").status_code == 200

    @pytest.mark.parametrize("model", [Smallcase, Version])
    def test_does_not_see_anothers(self, theirs: Smallcase, model: type[Model]) -> None:
        client = somebody(MANAGERS, "meera")
        row = model._default_manager.get()
        name = model._meta.model_name

        assert client.get(f"/admin/smallcases/{name}/{row.pk}/change/").status_code == 302  # "is not there"
        assert client.get(f"/admin/smallcases/{name}/", {"q": "SCRV_0001"}).context["cl"].result_count == 0
        export = {"action": "export_csv", "_selected_action": row.pk, "select_across": "1"}
        taken = client.post(f"/admin/smallcases/{name}/", export)
        assert len(b"".join(taken.streaming_content).splitlines()) == 1  # type: ignore[attr-defined]  # the header

    def test_reads_nobodys_holdings(self, theirs: Smallcase) -> None:
        client = somebody(MANAGERS, "meera")

        assert client.get("/admin/smallcases/investment/").status_code == 403
        assert not Investment.objects.exists()

    def test_changes_nothing_of_anothers_by_the_console(self) -> None:
        troubles()
        written()
        client = somebody(MANAGERS, "meera")
        before = everything()

        for path, form in forms():
            client.post(path, form)

        assert everything() == before


class TestSupport:
    def test_changes_no_user_no_gateway_and_no_calendar(self) -> None:
        troubles()
        written()
        client = somebody(SUPPORT)
        before = everything()

        for path, form in forms():
            client.post(path, form)

        changed = {label for label, digest in everything().items() if digest != before[label]}
        webhooks = {f"webhooks.{name}" for name in ("Endpoint", "Delivery", "Replay", "Event")}
        assert changed <= {*webhooks, "transactions.Batch"}
        assert "webhooks.Endpoint" in changed

    def test_is_not_let_in_without_being_on_the_staff(self) -> None:
        user = User.objects.create_user("ravi")
        user.groups.add(Group.objects.get(name=SUPPORT))
        client = Client()
        client.force_login(user)

        assert client.get("/admin/").status_code == 302
