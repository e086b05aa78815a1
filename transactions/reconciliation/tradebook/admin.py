"""Console pages of corrections and tradebooks, and the URLs of the reconciliation desk."""

from django.contrib import admin
from django.urls import URLPattern, path

from gateway.console.badges import badge_of
from gateway.console.read_only_admin import ReadOnlyAdmin
from transactions.models import OrderCorrection
from transactions.reconciliation.desk import charges_page, clock_pages, statement_page, tradebook_pages, views
from transactions.reconciliation.tradebook.models import Tradebook


@admin.register(OrderCorrection)
class CorrectionAdmin(ReadOnlyAdmin):
    """Corrections of orders, read-only."""

    list_display = (
        "order",
        badge_of("state"),
        "amount",
        "version",
        "proposed_by",
        "decided_by",
        "applied_at",
        "broker_confirms",
    )
    list_select_related = ("order", "proposed_by", "decided_by")
    list_filter = ("state", "needs_approval", "from_tradebook", "broker_confirms")
    search_fields = ("=order__ref", "=order__batch__batch_id", "=order__exchange_order_id")
    search_help_text = "Order ref, batchId or exchange order id"
    first = ("order", "state", "version", "undoes", "before", "after", "amount", "reason")
    change_list_template = "desk/corrections.html"

    def get_urls(self) -> list[URLPattern]:
        guarded = self.admin_site.admin_view
        return [
            path("desk/", guarded(views.queue), name="desk_queue"),
            path("desk/orders/<int:pk>/", guarded(views.order), name="desk_order"),
            path("desk/orders/<int:pk>/ask-again/", guarded(views.ask_again), name="desk_ask_again"),
            path("desk/orders/<int:pk>/mark-complete/", guarded(views.mark), name="desk_mark"),
            path("desk/orders/<int:pk>/tradebook.csv", guarded(views.brokers_book), name="desk_brokers_book"),
            path("desk/corrections/<int:pk>/undo/", guarded(views.undo), name="desk_undo"),
            path("desk/corrections/<int:pk>/decide/", guarded(views.decide), name="desk_decide"),
            path("desk/tradebooks/", guarded(tradebook_pages.upload), name="desk_upload"),
            path("desk/tradebooks/<int:pk>/", guarded(tradebook_pages.book), name="desk_book"),
            path("desk/tradebooks/<int:pk>/apply/", guarded(tradebook_pages.apply), name="desk_apply"),
            path("desk/charges/<str:batch_id>/", guarded(charges_page.charges), name="desk_charges"),
            path("desk/statements/<str:iscid>/", guarded(statement_page.statement), name="desk_statement"),
            path("desk/gateways/<int:pk>/clock/", guarded(clock_pages.move), name="desk_clock"),
            *super().get_urls(),
        ]


@admin.register(Tradebook)
class TradebookAdmin(ReadOnlyAdmin):
    list_display = ("name", "broker", "dialect", "lines", "uploaded_by", "uploaded_at", "staged_at")
    list_select_related = ("uploaded_by",)
    list_filter = ("broker", "dialect")
    search_fields = ("name",)
    search_help_text = "Part of the file's name"
    change_list_template = "desk/corrections.html"
