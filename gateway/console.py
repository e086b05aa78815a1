"""Manners of the admin: read everything, edit nothing, act by name."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest


class ReadOnly:
    """No row is added, changed or deleted by hand; what may be done is an action with a name."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnly, admin.ModelAdmin[Model]):
    list_per_page = 50


class ReadOnlyInline(ReadOnly, admin.TabularInline[Model, Model]):
    extra = 0
