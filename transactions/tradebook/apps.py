from django.apps import AppConfig

from gateway.contributions import register_queue
from gateway.jobs import Job


class TradebookConfig(AppConfig):
    name = "transactions.tradebook"
    label = "tradebook"
    verbose_name = "Tradebooks"

    def ready(self) -> None:
        register_queue(Job.APPLY_TRADEBOOK, "transactions.tradebook.services.applying.tradebooks")
