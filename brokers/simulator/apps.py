from django.apps import AppConfig

from gateway.monitoring.contributions import register_invariants


class SimulatorConfig(AppConfig):
    """The simulated brokers' own data: the gateway reads none of these tables."""

    name = "brokers.simulator"
    label = "simulator"
    verbose_name = "Simulated brokers"

    def ready(self) -> None:
        register_invariants(self.label, "brokers.simulator.account_books.book_invariants.INVARIANTS")
