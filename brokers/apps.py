from django.apps import AppConfig

from gateway.monitoring.contributions import GaugeSource, Tile, register_gauge, register_requirement, register_tile


class BrokersConfig(AppConfig):
    name = "brokers"
    verbose_name = "Market and brokers"

    def ready(self) -> None:
        register_gauge(
            GaugeSource(
                "gateway_broker_links_down",
                "Gateways' brokers that cannot be reached",
                "brokers.ports.outages.count_outages",
            )
        )
        register_requirement("brokers.market.quotes.missing_instruments")
        register_tile(
            Tile(
                position=4,
                permission="brokers.view_marketday",
                template="console/calendar_tile.html",
                context="brokers.market.market_days.calendar_tile.calendar_tile",
            )
        )
