from importlib import import_module

from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "gateway"
    verbose_name = "Gateways and accounts"

    def ready(self) -> None:
        import_module("gateway.logins")  # it listens to Django's signals
