"""Manners of the console: read everything, edit nothing, act by name."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest

from gateway import clock
from gateway.addresses import remote_network
from gateway.audit import Actor


def actor_of(request: HttpRequest) -> Actor:
    user = request.user if isinstance(request.user, User) else None
    return Actor(user, remote_network(request.META), clock.wall())


class ReadOnly:
    """No row is added, changed or deleted by hand; what may be done is an action with a name."""

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnly, admin.ModelAdmin[Any]):
    """Lists that a person can wait for: no COUNT(*) over millions, fifty rows, newest first."""

    show_full_result_count = False
    list_per_page = 50
    ordering = ("-pk",)


class ReadOnlyInline(ReadOnly, admin.TabularInline[Any, Any]):
    extra = 0
    can_delete = False
    show_change_link = False


class Askable:
    """Middleware. The console puts its query to the database as it came: what cannot be asked is a 400, not a 500."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        query, found = request.GET, request.resolver_match
        if found is None or found.app_name != "admin":
            return None
        holds_nul = any("\0" in text for name, texts in query.lists() for text in (name, *texts))
        if holds_nul or query.get("_to_field") == "":
            return HttpResponseBadRequest("<h1>Bad Request (400)</h1>")
        return None
