from django.apps import AppConfig


class TradebookConfig(AppConfig):
    name = "transactions.tradebook"
    label = "tradebook"
    verbose_name = "Tradebooks"
