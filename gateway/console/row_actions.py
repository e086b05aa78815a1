"""Forms for an operator's actions on a row, each with its own permission, linked from the row's page."""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin, site
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from gateway.values.errors import GatewayError

Operation = tuple[str, str, str]  # permission, address, label


def require(request: HttpRequest, *permissions: str) -> User:
    """The user, who has at least one of `permissions`. Raises PermissionDenied, which becomes a 403 page."""
    if not isinstance(request.user, User) or not any(request.user.has_perm(one) for one in permissions):
        raise PermissionDenied
    return request.user


def form_page(
    request: HttpRequest, form: forms.Form, *, title: str, button: str, back: str, **more: Any
) -> HttpResponse:
    """A page with one form. `more` is added to the template's context; `row` adds breadcrumbs."""
    context = {**site.each_context(request), "title": title, "form": form, "button": button, "back": back, **more}
    row = more.get("row")
    if isinstance(row, Model):
        listed = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_changelist")
        context |= {"listed": listed, "kind": row._meta.verbose_name_plural}
    return TemplateResponse(request, "admin/operate.html", context)


def operate(
    request: HttpRequest, form: forms.Form, act: Callable[[dict[str, Any]], str], *, back: str, **page: Any
) -> HttpResponse:
    """Runs the action if the form is valid. Else, or if the action is refused, the form's page says why."""
    if request.method == "POST" and form.is_valid():
        try:
            said = act(form.cleaned_data)
        except GatewayError as refusal:
            for sentence in refusal.sentences:
                form.add_error(None, sentence)
        else:
            messages.success(request, said)
            return redirect(back)
    return form_page(request, form, back=back, **page)


class Operable(ModelAdmin[Any]):
    """Shows links on a row's page to the actions that this user may take."""

    change_form_template = "admin/operable.html"

    def operations(self, row: Any) -> Sequence[Operation]:
        raise NotImplementedError

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        row = kwargs.get("obj")
        known = self.operations(row) if row is not None else ()
        offered = [(address, words) for permission, address, words in known if request.user.has_perm(permission)]
        return super().render_change_form(request, {**context, "operations": offered}, *args, **kwargs)
