"""Tradebook pages of the console: upload, rows by verdict, apply."""

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe

from gateway.console.read_only_admin import actor_of
from gateway.console.row_actions import require
from gateway.http.middleware import takes_a_file
from gateway.partners import clock
from gateway.values.errors import GatewayError
from transactions.reconciliation.correct_orders import MAY_CORRECT
from transactions.reconciliation.desk.forms import UploadForm
from transactions.reconciliation.desk.views import SEES, page
from transactions.reconciliation.tradebook.apply_rows import want
from transactions.reconciliation.tradebook.discard import discard
from transactions.reconciliation.tradebook.models import BookRow, RowState, Tradebook
from transactions.reconciliation.tradebook.stage import Upload, stage
from transactions.reconciliation.tradebook.verdicts import SAFE, RowVerdict

PAGE: Final = 100
BOOK: Final = "admin:desk_book"


@takes_a_file
def upload(request: HttpRequest) -> HttpResponse:
    user = require(request, MAY_CORRECT)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            given, file = form.cleaned_data, form.cleaned_data["file"]
            wanted = Upload(file.name, given["broker"], user, form.dialect_given(), given["client"])
            staged = stage(file, upload=wanted, now=clock.wall(), actor=actor_of(request))
        except GatewayError as refusal:
            form.add_error("file", " ".join(refusal.sentences))
        else:
            messages.success(request, f"{staged.lines} trades uploaded and matched. Nothing has been applied.")
            return redirect(BOOK, pk=staged.pk)
    books = Tradebook.objects.select_related("uploaded_by").order_by("-pk")[:20]
    return page(request, "upload", "Upload tradebook", form=form, books=list(books))


@require_safe
def book(request: HttpRequest, pk: int) -> HttpResponse:
    """A page of rows. The counts of verdicts were stored by the staging."""
    require(request, SEES, MAY_CORRECT)
    found = get_object_or_404(Tradebook.objects.select_related("uploaded_by"), pk=pk)
    verdict, after = request.GET.get("verdict", ""), request.GET.get("after", "")
    rows = BookRow.objects.filter(tradebook=found).select_related("order__batch", "correction")
    if verdict in set(RowVerdict):
        rows = rows.filter(verdict=verdict)
    if after.isascii() and after.isdigit() and len(after) < 18:
        rows = rows.filter(pk__gt=int(after))
    shown = list(rows.order_by("pk")[: PAGE + 1])
    left = BookRow.objects.filter(tradebook=found, state=RowState.WANTED).count() if found.due_at else 0
    return page(
        request,
        "book",
        found.name,
        book=found,
        rows=shown[:PAGE],
        more_after=shown[PAGE - 1].pk if len(shown) > PAGE else None,
        verdicts=[(one.value, found.verdicts.get(one.value, 0)) for one in RowVerdict],
        chosen=verdict,
        safe=sum(found.verdicts.get(one.value, 0) for one in SAFE),
        left=left,
    )


@require_POST
def apply(request: HttpRequest, pk: int) -> HttpResponse:
    """Applies `all` safe rows or the selected rows, or discards the tradebook."""
    require(request, MAY_CORRECT)
    found = get_object_or_404(Tradebook, pk=pk)
    try:
        if "discard" in request.POST:
            discard(tradebook=found, actor=actor_of(request))
            messages.success(request, f"{found.name} discarded.")
            return redirect("admin:desk_upload")
        chosen = [int(row) for row in request.POST.getlist("row")[:PAGE] if row.isascii() and row.isdigit()]
        wanted = want(tradebook=found, actor=actor_of(request), rows=None if "all" in request.POST else chosen)
        messages.success(request, f"{wanted} orders are being corrected, or proposed for approval.")
    except GatewayError as refusal:
        messages.error(request, " ".join(refusal.sentences))
    return redirect(BOOK, pk=pk)
