"""Whatever the console takes by POST, for the rows that are there, and whether anything of it changed a table."""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.core import signing
from django.db.models import Model
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver

from gateway.audit.trail import Actor
from gateway.identity.roles import OURS
from gateway.models import Gateway
from gateway.partners import clock
from smallcases.models import RebalanceDraft, Smallcase
from smallcases.rebalancing import draft_workflow
from smallcases.rebalancing.drafts import DraftLine
from tests.smallcases import shelf
from transactions.domain.corrections import as_kept
from transactions.domain.statuses import OrderStatus
from transactions.execution.record_updates import state_of
from transactions.models import Order, OrderCorrection
from transactions.reconciliation.desk.views import SALT
from transactions.reconciliation.tradebook.models import Tradebook
from webhooks.models import Endpoint

# What grows when somebody reads or leaves: the trail, and the session.
GROWS: Final = {"gateway.AuditEntry", "gateway.AuditHead"}
PEOPLE: Final = ("auth.User", "auth.Group", "gateway.AuthenticatorApp", "axes.AccessAttempt")


def everything(*, passing_over: Collection[str] = ()) -> Mapping[str, str]:
    """Each table that is somebody's business, as a digest; `passing_over` names columns that workers write."""
    models = [model for label in OURS for model in apps.get_app_config(label).get_models()]
    kept = [model for model in models if model._meta.label not in GROWS]
    return {model._meta.label: _digest(model, passing_over) for model in [*kept, *map(apps.get_model, PEOPLE)]}


def _digest(model: type[Model], passing_over: Collection[str]) -> str:
    without = dict.fromkeys(("last_login", *passing_over))
    rows = [{**row, **without} for row in model._default_manager.order_by("pk").values()]
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def forms() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every address of the console, for a row that is there, with whatever a form or an action could bring."""
    admin.autodiscover()  # who asks from a shell has no URLs, which would do it
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
    yield from at_the_desk()
    for path in ("", "jsi18n/", "r/1/1/", "autocomplete/", "second-factor/", "password_change/", "transactions/"):
        yield f"/admin/{path}", {"act": "give up", "code": "1", "old_password": "x"}


def written() -> RebalanceDraft:
    """A draft that could be published, by somebody else."""
    ravi = User.objects.create_superuser("ravi")
    of = Smallcase.objects.first() or shelf.smallcase("SCRV_0002", manager="ravi")
    draft = draft_workflow.open_draft(smallcase=of, by=ravi, actor=Actor(ravi, "", clock.wall()))
    halves = [DraftLine("INFY", "50"), DraftLine("ITC", "50")]
    actor = Actor(ravi, "", clock.wall())
    draft_workflow.edit(
        draft=draft, seen=draft.revision, lines=halves, label="Anew", rationale="", by=ravi, actor=actor
    )
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
        yield f"/admin/transactions/ordercorrection/desk/gateways/{pk}/clock/", {"amount": "1", "unit": "hours"}
        yield f"/admin/webhooks/endpoint/new/{pk}/", {"url": "https://hooks.example/x", **subscription}
    for pk in Endpoint.objects.values_list("pk", flat=True):
        yield f"/admin/webhooks/endpoint/{pk}/url/", {"url": "https://hooks.example/y"}
        yield f"/admin/webhooks/endpoint/{pk}/subscription/", subscription


def at_the_desk() -> Iterator[tuple[str, dict[str, Any]]]:
    """What settles, as somebody who may would send it."""
    desk = "/admin/transactions/ordercorrection/desk/"
    for pk in Tradebook.objects.values_list("pk", flat=True):
        yield f"{desk}tradebooks/{pk}/apply/", {"all": "1"}
        yield f"{desk}tradebooks/{pk}/apply/", {"discard": "1"}
    for pk in OrderCorrection.objects.values_list("pk", flat=True):
        yield f"{desk}corrections/{pk}/decide/", {"approve": "1"}
        yield f"{desk}corrections/{pk}/decide/", {"decline": "1", "note": "x"}
        yield f"{desk}corrections/{pk}/undo/", {"reason": "x"}
    for order in Order.objects.filter(status=OrderStatus.ERROR):
        here, seen = f"{desk}orders/{order.pk}/", signing.dumps(as_kept(state_of(order)), salt=SALT)
        yield f"{here}ask-again/", {}
        yield here, {"status": "REJECTED", "filled_quantity": "0", "reason": "x", "confirm": "1", "seen": seen}
        yield f"{here}mark-complete/", {}


def _paths(patterns: Sequence[URLPattern | URLResolver], key: str) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _paths(pattern.url_patterns, key)
        else:
            yield str(pattern.pattern).replace("<path:object_id>", key).replace("<id>", key).replace("<int:pk>", key)
