"""Transactions, batches and orders in the console."""

import re
from dataclasses import asdict
from typing import Final

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from gateway.console.badges import badge_of
from gateway.console.read_only_admin import ReadOnlyAdmin, ReadOnlyInline, actor_of
from gateway.console.row_actions import Operable, Operation
from gateway.partners import clock
from gateway.values.errors import GatewayError
from gateway.values.ids import SYMBOL
from transactions.execution.mark_complete import mark_complete
from transactions.models import Batch, CheckoutSession, Order, Transaction
from transactions.queries.list_filters import AgeFilter, BrokerFilter, OrderBrokerFilter, StuckFilter
from transactions.queries.order_charges import read_charges

MOST_MARKED: Final = 100


@admin.register(Transaction)
class TransactionAdmin(ReadOnlyAdmin):
    list_display = ("transaction_id", badge_of("status"), "error_code", "intent", "gateway", "account", "created_at")
    list_select_related = ("gateway", "account")
    list_filter = ("status", "intent", "gateway")
    search_fields = ("=transaction_id", "=account__auth_id", "=batch__batch_id")
    search_help_text = "transactionId, batchId or smallcaseAuthId"
    first = ("transaction_id", "status", "error_code", "error_message", "intent", "gateway", "account")
    exclude = ("encrypted_login",)


class OrderInline(ReadOnlyInline):
    model = Order
    fk_name = "batch"
    ordering = ("position",)
    show_change_link = True
    fields = (
        "ticker",
        "side",
        "order_type",
        "status",
        "quantity",
        "filled_quantity",
        "average_price",
        "exchange_order_id",
        "error_code",
        "status_message",
    )


@admin.register(Batch)
class BatchAdmin(Operable, ReadOnlyAdmin):
    list_display = (
        *("batch_id", badge_of("status"), "label", "gateway", "account", "variety", "created_at", "completed_at"),
    )
    list_select_related = ("gateway", "account")
    list_filter = ("status", StuckFilter, BrokerFilter, "variety", "gateway")
    search_fields = ("=batch_id", "=iscid", "=transaction__transaction_id", "=account__auth_id")
    search_help_text = "batchId, transactionId, iscid or smallcaseAuthId"
    first = ("batch_id", "status", "transaction", "account", "gateway", "label", "variety")
    inlines = (OrderInline,)
    actions = ("mark_complete",)

    def operations(self, row: Batch) -> list[Operation]:
        return [("transactions.view_batch", reverse("admin:desk_charges", args=[row.batch_id]), "Charges")]

    def has_mark_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("transactions.mark_complete")

    @admin.action(description="Mark complete", permissions=["mark"])
    def mark_complete(self, request: HttpRequest, queryset: QuerySet[Batch]) -> None:
        """At most MOST_MARKED batches at once: each sends its own event to the partner."""
        chosen = list(queryset.select_related("gateway")[: MOST_MARKED + 1])
        if len(chosen) > MOST_MARKED:
            self.message_user(request, f"Select at most {MOST_MARKED} batches.", messages.WARNING)
            return
        for batch in chosen:
            try:
                mark_complete(batch=batch, now=clock.now(batch.gateway), by=actor_of(request))
                self.log_change(request, batch, "Marked complete.")
            except GatewayError as refusal:
                self.message_user(request, f"Batch {batch}: {refusal}", messages.WARNING)
            else:
                self.message_user(request, f"Batch {batch}: marked complete.")


@admin.register(Order)
class OrderAdmin(Operable, ReadOnlyAdmin):
    list_display = (
        *("ticker", "side", badge_of("status"), "quantity", "filled_quantity", "average_price", "error_code", "batch"),
        "ordered_at",
    )
    list_select_related = ("batch",)
    list_filter = ("status", OrderBrokerFilter, AgeFilter, "order_type", "batch__gateway")
    search_fields = (
        "=ref",
        "=batch__batch_id",
        "=batch__transaction__transaction_id",
        "=batch__account__auth_id",
        "=exchange_order_id",
        "=ticker",
    )
    search_help_text = "Order ref, exchange order id, batchId, transactionId, smallcaseAuthId or ticker"
    first = ("status", "batch", "ticker", "side", "quantity", "filled_quantity", "average_price", "error_code")
    readonly_fields = ("estimated_charges",)
    id_forms = {"exchange_order_id": re.compile(r"(?=.*\d)[\w-]{1,32}"), "ticker": SYMBOL}

    @admin.display(description="charges, ₹, estimated")
    def estimated_charges(self, row: Order) -> str | None:
        read_charges([row])
        if row.charges is None:
            return None
        parts = [f"{name} {amount}" for name, amount in asdict(row.charges).items() if amount]
        return f"{row.charges.total}: {', '.join(parts)}"

    def operations(self, row: Order) -> list[Operation]:
        return [("transactions.view_order", reverse("admin:desk_order", args=[row.pk]), "Reconciliation desk")]


@admin.register(CheckoutSession)
class CheckoutSessionAdmin(ReadOnlyAdmin):
    """`shown` is the order that the user agreed to. Digests of secrets are not displayed."""

    list_display = ("session_id", "transaction", "mode", "broker", "pin_attempts", "created_at", "ended_at")
    list_select_related = ("transaction",)
    list_filter = ("mode", "is_replaced")
    search_fields = ("=session_id", "=transaction__transaction_id")
    search_help_text = "The session's id or a transactionId"
    exclude = ("token_digest", "login_token_digest", "code_challenge", "result_digest", "login_network")
