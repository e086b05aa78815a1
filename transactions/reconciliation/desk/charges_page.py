"""The charges statement of a batch in the console: order by order, with the sum of each day; also as CSV."""

import csv
from dataclasses import astuple, fields

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from brokers.market.charges import Charges
from gateway.console.row_actions import require
from transactions.models import Batch
from transactions.queries.order_charges import OrderCharges, charges_by_day, charges_of_orders
from transactions.reconciliation.desk.views import page

NAMES = [field.name for field in fields(Charges)]


@require_safe
def charges(request: HttpRequest, batch_id: str) -> HttpResponse:
    require(request, "transactions.view_batch")
    batch = get_object_or_404(Batch.objects.select_related("gateway", "account"), batch_id=batch_id)
    charged = charges_of_orders(batch.orders.order_by("position"))
    if request.GET.get("format") == "csv":
        return _csv(batch, charged)
    days = charges_by_day(charged)
    return page(request, "charges", f"Charges of batch {batch}", batch=batch, charged=charged, days=days.items())


def _csv(batch: Batch, charged: list[OrderCharges]) -> HttpResponse:
    """Tickers and numbers alone: no cell can begin a formula."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="charges-{batch.batch_id}.csv"'
    lines = csv.writer(response)
    lines.writerow(["day", "ticker", "side", "quantity", "turnover", *NAMES, "total"])
    for one in charged:
        filled = (one.share.on, one.order.ticker, one.order.side, one.order.filled_quantity, one.share.turnover)
        lines.writerow([*filled, *astuple(one.charges), one.charges.total])
    return response
