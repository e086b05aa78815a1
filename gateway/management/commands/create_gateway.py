import json
from argparse import ArgumentParser
from typing import Any

from django.db.transaction import atomic

from gateway.cli.management_base import Command as GatewayCommand
from gateway.partners import clock
from gateway.partners.credentials import create_gateway
from gateway.values.origins import check_origin
from webhooks.delivery.endpoints import add_endpoint


class Command(GatewayCommand):
    help = "Create a gateway (a partner) and print its credentials. They cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the gateway's name in URLs: letters, digits, - and _, in any case")
        kind = parser.add_mutually_exclusive_group()
        kind.add_argument("--test", action="store_true", default=True, help="a sandbox gateway (default)")
        kind.add_argument("--live", action="store_false", dest="test", help="a live gateway, without Sandbox API")
        parser.add_argument("--webhook-url", help="URL that receives order events")
        parser.add_argument("--allowed-origin", action="append", default=[], help="browser origin; may be repeated")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def act(self, **options: Any) -> None:
        made = self._make(**options)
        if options["json"]:
            self.stdout.write(json.dumps(made))
            return
        for name, value in made.items():
            self.stdout.write(f"{name:14} {value}")
        self.stderr.write("Copy these now: they are stored encrypted and cannot be shown again.")

    def _make(
        self, *, name: str, test: bool, webhook_url: str | None, allowed_origin: list[str], **_: Any
    ) -> dict[str, Any]:
        origins = [check_origin(origin) for origin in allowed_origin]
        with atomic(durable=True):
            made = create_gateway(name=name, is_test=test, allowed_origins=origins, now=clock.wall(), by=self.actor)
            now = clock.wall()
            hook = add_endpoint(gateway=made.gateway, url=webhook_url, now=now, by=self.actor) if webhook_url else None
        return {
            "name": made.gateway.name,
            "apiSecret": made.api_secret,
            "jwtSecret": made.jwt_secret,
            "webhookUrl": webhook_url,
            "webhookSecret": hook and hook.secret,
            "test": test,
        }
