"""Console pages whose rows have secrets to rotate."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin import site
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from gateway.console.read_only_admin import ReadOnlyAdmin
from gateway.values.errors import GatewayError


class Rotating(ReadOnlyAdmin):
    """A new secret is only on the page that answers the request: never in messages, sessions or the audit trail."""

    def has_rotate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("gateway.change_gateway")

    def show_new(
        self, request: HttpRequest, queryset: QuerySet[Any], what: str, rotate_one: Callable[[Any], str]
    ) -> HttpResponse | None:
        """One row at a time, so that the person can copy its secret safely."""
        rows = list(queryset[:2])
        if len(rows) != 1:
            self.message_user(request, "Select exactly one row.", messages.WARNING)
            return None
        try:
            shown = rotate_one(rows[0])
        except GatewayError as refusal:
            self.message_user(request, f"{self.opts.verbose_name} {rows[0]}: {refusal}", messages.WARNING)
            return None
        title, kind = f"New {what} of {rows[0]}", self.opts.verbose_name_plural
        return secret_page(request, title=title, secret=shown, back=request.get_full_path(), kind=kind)


def secret_page(request: HttpRequest, **shown: Any) -> HttpResponse:
    answer = TemplateResponse(request, "admin/secret_once.html", {**site.each_context(request), **shown})
    answer["Cache-Control"] = "no-store"
    return answer
