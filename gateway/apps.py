from importlib import import_module

from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "gateway"
    verbose_name = "Gateways and accounts"

    def ready(self) -> None:
        for listener in ("gateway.identity.login_audit", "gateway.identity.roles"):
            import_module(listener)  # connects handlers to Django's signals
