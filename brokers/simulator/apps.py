from django.apps import AppConfig


class SimulatorConfig(AppConfig):
    """The simulated brokers' own record: the gateway reads none of these tables."""

    name = "brokers.simulator"
    label = "simulator"
    verbose_name = "Simulated brokers' own record"
