"""Records edits in the console, with the values before and after, in the transaction of the edit."""

from typing import Any

from django.contrib.admin import ModelAdmin
from django.db.models import Model, QuerySet
from django.db.transaction import atomic
from django.forms import ModelForm
from django.http import HttpRequest

from gateway.console.read_only_admin import actor_of


def facts_of(row: Model) -> dict[str, object]:
    """Every column and many-to-many relation; the audit trail leaves secrets out."""
    columns = {field.name: field.value_from_object(row) for field in row._meta.concrete_fields}
    linked = {field.name: sorted(map(str, getattr(row, field.name).all())) for field in row._meta.many_to_many}
    return {**columns, **linked}


class Audited(ModelAdmin[Any]):
    """Django calls the `log_…` methods after it saves a row and its relations, in the same transaction."""

    def save_form(self, request: HttpRequest, form: ModelForm[Any], change: bool) -> Any:
        if change:
            self.remember(request, form.instance.pk)
        return super().save_form(request, form, change)

    def remember(self, request: HttpRequest, pk: object) -> None:
        """Stores the row's present values, before anything is written."""
        row = self.model._base_manager.filter(pk=pk).first() if str(pk).isdecimal() else None
        if row is not None:
            self._before(request)[row.pk] = facts_of(row)

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        logged = super().log_addition(request, obj, message)
        actor_of(request).record(f"add {self.opts.verbose_name}", str(obj), after=facts_of(obj))
        return logged

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        logged = super().log_change(request, obj, message)
        before, after = self._before(request).get(obj.pk, {}), facts_of(obj)
        changed = {name for name in after if before.get(name) != after[name]}
        actor_of(request).record(
            f"change {self.opts.verbose_name}",
            str(obj),
            before={name: before[name] for name in changed & before.keys()},
            after={name: after[name] for name in changed},
            reason=str(message),
        )
        return logged

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        self._delete(request, [obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        with atomic():
            self._delete(request, list(queryset))

    def _delete(self, request: HttpRequest, rows: list[Any]) -> None:
        gone = [(str(row), facts_of(row)) for row in rows]
        for row in rows:
            row.delete()
        for name, facts in gone:
            actor_of(request).record(f"delete {self.opts.verbose_name}", name, before=facts)

    def _before(self, request: HttpRequest) -> dict[Any, dict[str, object]]:
        """The values at the start of this request, by row."""
        kept: dict[Any, dict[str, object]] = vars(request).setdefault("_rows_before", {})
        return kept
