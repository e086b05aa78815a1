"""The base of the console's pages: everything can be read, and only named actions change anything."""

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import reduce
from operator import or_
from types import MappingProxyType
from typing import Any, Final

from django.contrib import admin
from django.contrib.admin.utils import flatten
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.db.transaction import atomic
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, StreamingHttpResponse
from django.template.loader import render_to_string
from django.utils.functional import cached_property

from gateway.audit.trail import Actor
from gateway.http.client_address import remote_network
from gateway.partners import clock

MOST_COUNTED: Final = 1_000
MOST_FOUND: Final = 1_000
MOST_EXPORTED: Final = 100_000
# Columns of leases (gateway.queue.leases), which are shown last.
WORK: Final = ("due_at", "leased_until", "attempts")
FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def actor_of(request: HttpRequest) -> Actor:
    """The user of the request, for the audit trail."""
    user = request.user if isinstance(request.user, User) else None
    return Actor(user, remote_network(request.META), clock.wall())


class ReadOnly:
    """No row is added, changed or deleted by hand; changes are named actions."""

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Uncounted(Paginator[Any]):
    """Counts only as far as a person turns pages: a COUNT(*) over millions of rows takes too long."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        return int(rows.order_by()[: MOST_COUNTED + 1].count()) if isinstance(rows, QuerySet) else len(rows)


class ReadOnlyAdmin(ReadOnly, admin.ModelAdmin[Any]):
    """Lists that stay fast with millions of rows: no complete counts, and any id is found at once."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 0
    ordering = ("-pk",)
    paginator = Uncounted
    # The form of the ids in a field that no index serves: other search texts skip the field.
    id_forms: Mapping[str, re.Pattern[str]] = MappingProxyType({})
    # Conditions for an index that starts with other columns: for example, one query per gateway.
    asked_with: Mapping[str, Mapping[str, QuerySet[Any]]] = MappingProxyType({})
    actions: Sequence[Any] = ()
    first: Sequence[str] = ()  # fields at the top of a row's page

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        shown = super().get_fields(request, obj)
        rank = {name: place for place, name in enumerate(self.first)} | dict.fromkeys(WORK, len(shown) + 1)
        return shown if self.fields else sorted(shown, key=lambda name: rank.get(str(name), len(shown)))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Every list can be exported."""
        return {**super().get_actions(request), "export_csv": (export_csv, "export_csv", "Export as CSV")}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Searches an id (a field with =) in its own index, field by field, and then the texts.

        A single query over all fields would use no index.
        """
        term = search_term.strip()
        if not term:
            return queryset, False
        fields = [str(field) for field in self.get_search_fields(request)]
        for field in (field[1:] for field in fields if field.startswith("=")):
            if field in self.id_forms and not self.id_forms[field].fullmatch(term):
                continue
            alike = queryset.filter(**self.asked_with.get(field, {}), **{field: term})
            found = list(alike.order_by().values_list("pk", flat=True)[:MOST_FOUND])
            if found:
                return (alike if len(found) == MOST_FOUND else queryset.filter(pk__in=found)), False
        loose = [Q(**{f"{field}__icontains": term}) for field in fields if not field.startswith("=")]
        return (queryset.filter(reduce(or_, loose)) if loose else queryset.none()), False


def export_csv(page: "ReadOnlyAdmin", request: HttpRequest, rows: QuerySet[Any]) -> StreamingHttpResponse:
    """Exports what these pages show; encrypted secrets are never included."""
    shown = set(flatten(page.get_fields(request)))
    names = [field.attname for field in page.opts.concrete_fields if field.name in shown or field.primary_key]
    with atomic():
        facts = {"query": request.GET.urlencode(), "columns": names, "at_most": MOST_EXPORTED}
        actor_of(request).record("export as CSV", str(page.opts.verbose_name_plural), after=facts)
    answer = StreamingHttpResponse(csv_of(names, rows.order_by("-pk")), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{page.opts.model_name}.csv"'
    return answer


def csv_of(names: Sequence[str], rows: QuerySet[Any]) -> Iterator[str]:
    """Line by line. If the export stops at MOST_EXPORTED, the last line says so."""
    writer = csv.writer(CsvLine())
    yield writer.writerow(names)
    number = 0
    for number, row in enumerate(rows.values_list(*names)[: MOST_EXPORTED + 1].iterator(chunk_size=2_000), start=1):
        if number > MOST_EXPORTED:
            yield writer.writerow([f"There are more than these {MOST_EXPORTED} rows; filter the list."])
            return
        yield writer.writerow([cell(value) for value in row])


class CsvLine:
    """A file for csv.writer that returns each line instead of storing it."""

    def write(self, text: str) -> str:
        return text


def cell(value: object) -> str:
    """Text for a spreadsheet: a value that begins like a formula is not run as a formula."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds")
    if isinstance(value, bool | int | Decimal):
        return str(value)
    text = json.dumps(value) if isinstance(value, list | dict) else str(value)
    return f"'{text}" if text.lstrip().startswith(FORMULA) or text.startswith(("\t", "\r", "\n")) else text


class ReadOnlyInline(ReadOnly, admin.TabularInline[Any, Any]):
    template = "admin/read_inline.html"
    extra = 0
    can_delete = False
    show_change_link = False


class Askable:
    """Middleware. The console passes its query string to the database: a value of a wrong type gets 400, not 500."""

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
            return HttpResponseBadRequest(render_to_string("400.html"))
        return None
