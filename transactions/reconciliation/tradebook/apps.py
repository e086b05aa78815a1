from django.apps import AppConfig

from gateway.monitoring.contributions import register_queue
from gateway.queue.enqueue import TaskName


class TradebookConfig(AppConfig):
    name = "transactions.reconciliation.tradebook"
    label = "tradebook"
    verbose_name = "Tradebooks"

    def ready(self) -> None:
        register_queue(TaskName.APPLY_TRADEBOOK, "transactions.reconciliation.tradebook.apply_rows.tradebooks")
