"""Manners of the console: read everything, edit nothing, act by name."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest


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
