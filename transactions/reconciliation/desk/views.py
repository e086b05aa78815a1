"""The reconciliation desk in the console: the queue, an order's page, and corrections."""

from typing import Any, Final

from django.contrib import messages
from django.contrib.admin import site
from django.core import signing
from django.db.transaction import atomic
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_POST, require_safe

from brokers.ports.registry import BROKERS, tradebook_of
from gateway.console.read_only_admin import actor_of
from gateway.console.row_actions import require
from gateway.models import Gateway
from gateway.partners import clock
from gateway.values.errors import GatewayError
from transactions.domain.corrections import CAN_BE_CORRECTED, as_kept, from_kept
from transactions.domain.statuses import UNFINISHED_BATCH, OrderStatus
from transactions.execution.mark_complete import mark_complete
from transactions.execution.record_updates import state_of
from transactions.execution.requeue import requeue
from transactions.models import Batch, Order, OrderCorrection
from transactions.reconciliation import correct_orders
from transactions.reconciliation.correct_orders import MAY_CORRECT, CorrectedBy
from transactions.reconciliation.desk.desk_queue import contradictions, history, orders_with_unknown_outcome, proposals
from transactions.reconciliation.desk.forms import CorrectionForm, ReasonForm

SEES: Final = "transactions.view_order"
APPROVES: Final = "transactions.approve_correction"
MARKS: Final = "transactions.mark_complete"
SALT: Final = "reconciliation-desk"


def page(request: HttpRequest, name: str, title: str, **shown: Any) -> HttpResponse:
    can = {
        "settle": request.user.has_perm(MAY_CORRECT),
        "approve": request.user.has_perm(APPROVES),
        "mark": request.user.has_perm(MARKS),
    }
    context = {**site.each_context(request), "title": title, "can": can, **shown}
    return TemplateResponse(request, f"desk/{name}.html", context)


@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    require(request, SEES, MAY_CORRECT)
    after = request.GET.get("after", "")
    broker, gateway = request.GET.get("broker", ""), request.GET.get("gateway", "")
    found = orders_with_unknown_outcome(
        after=int(after) if after.isascii() and after.isdigit() and len(after) < 18 else 0,
        broker=broker if broker in BROKERS else "",
        gateway=gateway,
    )
    proposed = proposals()
    return page(
        request,
        "queue",
        "Reconciliation desk",
        lost=found.lost,
        more_after=found.more_after,
        proposals=proposed,
        proposed={one.order_id for one in proposed},
        contradictions=contradictions(),
        brokers=BROKERS,
        gateways=list(Gateway.objects.order_by("name").values_list("name", flat=True)[:200]),
        chosen={"broker": broker, "gateway": gateway},
    )


def order(request: HttpRequest, pk: int) -> HttpResponse:
    """GET shows the order; POST previews a correction; POST with `confirm` applies or proposes it."""
    require(request, SEES, MAY_CORRECT)
    found = _order(pk)
    form = CorrectionForm(request.POST if request.method == "POST" else None, initial=_suggested(found))
    if request.method != "POST":
        return _both_sides(request, found, form)
    require(request, MAY_CORRECT)
    if not form.is_valid():
        return _both_sides(request, found, form)
    try:
        if "confirm" in request.POST:
            return _corrected(request, found, form)
        return _previewed(request, found, form)
    except GatewayError as refusal:
        for sentence in refusal.sentences:
            form.add_error(None, sentence)
        return _both_sides(request, found, form)


def _order(pk: int) -> Order:
    return get_object_or_404(
        Order.objects.select_related("batch__gateway", "batch__account", "batch__transaction", "active_correction"),
        pk=pk,
    )


def _suggested(order: Order) -> dict[str, Any]:
    """Initial values from the newest staged tradebook row, if there is one."""
    row = order.book_rows.filter(tradebook__staged_at__isnull=False, quantity__gt=0).order_by("-pk").first()
    if row is None:
        return {"exchange_order_id": order.exchange_order_id}
    whole = row.quantity == order.quantity
    return {
        "status": OrderStatus.COMPLETE if whole else OrderStatus.PARTIAL,
        "filled_quantity": row.quantity,
        "average_price": (row.turnover / row.quantity).quantize(row.turnover),
        "exchange_order_id": row.order_no or order.exchange_order_id,
    }


def _both_sides(request: HttpRequest, order: Order, form: CorrectionForm) -> HttpResponse:
    export = tradebook_of(order.batch.account)
    rows = order.book_rows.select_related("tradebook", "correction").order_by("-pk")[:20]
    return page(
        request,
        "order",
        f"{order.side} {order.quantity} {order.ticker}",
        order=order,
        batch=order.batch,
        form=form,
        report_log=list(reversed(order.report_log)),
        book_rows=list(rows),
        corrections=history(order),
        can_be_settled=OrderStatus(order.status) in CAN_BE_CORRECTED,
        can_be_marked=order.batch.status in UNFINISHED_BATCH,
        siblings=list(Order.objects.filter(batch=order.batch).exclude(pk=order.pk).order_by("position")),
        dialects=sorted(export.dialects) if export else [],
        back=_desk("queue"),
    )


def _previewed(request: HttpRequest, order: Order, form: CorrectionForm) -> HttpResponse:
    impact = correct_orders.preview(order=order, outcome=form.outcome(), now=clock.now(order.batch.gateway))
    return page(
        request,
        "preview",
        f"Correct {order.side} {order.quantity} {order.ticker}",
        order=order,
        form=form,
        impact=impact,
        before=impact.before[order.pk],
        after=impact.after[order.pk],
        seen=signing.dumps(as_kept(state_of(order)), salt=SALT),
    )


def _corrected(request: HttpRequest, order: Order, form: CorrectionForm) -> HttpResponse:
    try:
        seen = from_kept(signing.loads(request.POST.get("seen", ""), salt=SALT))
    except signing.BadSignature:
        raise Http404 from None
    (made,) = correct_orders.correct_order(
        batch=order.batch,
        outcomes={order.pk: form.outcome()},
        seen={order.pk: seen},
        corrected_by=CorrectedBy(actor_of(request), form.cleaned_data["reason"]),
        now=clock.now(order.batch.gateway),
    )
    waits = "Proposed. Another person must approve it." if made.needs_approval else "Corrected."
    messages.success(request, f"{order}: {waits}")
    return redirect(_desk("order"), pk=order.pk)


def undo(request: HttpRequest, pk: int) -> HttpResponse:
    require(request, MAY_CORRECT)
    found = _correction(pk)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    now = clock.now(found.order.batch.gateway)
    try:
        if request.method == "POST" and form.is_valid():
            corrected_by = CorrectedBy(actor_of(request), form.cleaned_data["reason"])
            made = correct_orders.undo(correction=found, corrected_by=corrected_by, now=now)
            result = "Undo proposed. Another person must approve it." if made.needs_approval else "Undone."
            messages.success(request, result)
            return redirect(_desk("order"), pk=found.order_id)
        impact = correct_orders.preview_undo(correction=found, now=now)
    except GatewayError as refusal:
        messages.error(request, " ".join(refusal.sentences))
        return redirect(_desk("order"), pk=found.order_id)
    return page(
        request,
        "undo",
        f"Undo correction of {found.order}",
        correction=found,
        order=found.order,
        form=form,
        impact=impact,
        before=impact.before[found.order_id],
        after=impact.after[found.order_id],
    )


@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Approves a proposal, or declines it with a note. A proposer may decline their own proposal."""
    found, approves = _correction(pk), "approve" in request.POST
    require(request, *((APPROVES,) if approves else (APPROVES, MAY_CORRECT)))
    now, actor = clock.now(found.order.batch.gateway), actor_of(request)
    try:
        if approves:
            correct_orders.approve(correction=found, actor=actor, now=now)
        else:
            correct_orders.decline(correction=found, actor=actor, note=request.POST.get("note", ""), now=now)
        messages.success(request, "Approved and applied." if approves else "Declined.")
    except GatewayError as refusal:
        messages.error(request, " ".join(refusal.sentences))
    return redirect(_desk("order"), pk=found.order_id)


def _correction(pk: int) -> OrderCorrection:
    return get_object_or_404(OrderCorrection.objects.select_related("order__batch__gateway"), pk=pk)


@require_POST
def ask_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Requeues the batch: a worker polls the broker, and a later visit to the page shows the result."""
    require(request, MAY_CORRECT)
    found = _order(pk)
    gateway = found.batch.gateway
    with atomic(durable=True):
        requeue(Batch.objects.filter(pk=found.batch_id), gateway, now=clock.now(gateway))
        actor_of(request).record("ask the broker again", f"batch {found.batch}")
    messages.success(request, "Checking with the broker. Reload this page in a moment.")
    return redirect(_desk("order"), pk=pk)


@require_POST
def mark(request: HttpRequest, pk: int) -> HttpResponse:
    require(request, MARKS)
    found = _order(pk)
    try:
        mark_complete(batch=found.batch, now=clock.now(found.batch.gateway), by=actor_of(request))
        messages.success(request, "Batch marked complete.")
    except GatewayError as refusal:
        messages.error(request, " ".join(refusal.sentences))
    return redirect(_desk("order"), pk=pk)


@require_safe
def brokers_book(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """The tradebook of the order's client as CSV; 404 for a broker without tradebook export."""
    require(request, MAY_CORRECT)
    account = _order(pk).batch.account
    export = tradebook_of(account)
    if export is None:
        raise Http404
    with atomic(durable=True):
        actor_of(request).record("export tradebook", f"account {account.auth_id}", after={"broker": account.broker})
    dialect = request.GET.get("dialect", "")
    lines = export.csv(dialect if dialect in export.dialects else export.dialects[0])
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="tradebook-{account.broker}.csv"'
    return response


def _desk(name: str) -> str:
    return f"admin:desk_{name}"
