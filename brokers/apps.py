from django.apps import AppConfig

from gateway.monitoring.contributions import register_requirement


class BrokersConfig(AppConfig):
    name = "brokers"
    verbose_name = "Market and brokers"

    def ready(self) -> None:
        register_requirement("brokers.market.quotes.missing_instruments")
