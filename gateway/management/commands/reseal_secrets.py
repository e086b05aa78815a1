from typing import Any

from django.db.transaction import atomic

from gateway.credentials import reseal_gateway
from gateway.idempotency import reseal_answers
from gateway.models import Gateway
from gateway.second_factor import reseal_apps
from gateway.terminal import Command as Door
from webhooks.models import Endpoint
from webhooks.services.endpoints import reseal_endpoint


class Command(Door):
    help = (
        "Seal every stored secret anew with the first of ENCRYPTION_KEYS. After it the older keys can be dropped. "
        "Logins at brokers keep their old seal: drop the older keys when nothing of before is open, and no earlier "
        "than a day later, for so long brokers are asked about lost and settled orders."
    )

    def act(self, **options: Any) -> None:
        with atomic(durable=True):
            gateways = list(Gateway.objects.select_for_update(no_key=True).order_by("pk"))
            endpoints = list(Endpoint.objects.select_for_update(no_key=True).order_by("pk"))
            for gateway in gateways:
                reseal_gateway(gateway)
            for endpoint in endpoints:
                reseal_endpoint(endpoint)
            apps = reseal_apps()
            resealed = {"gateways": len(gateways), "endpoints": len(endpoints), "authenticator_apps": apps}
            self.actor.record("reseal secrets", "all secrets", after=resealed)
        reseal_answers()
        self.stdout.write(
            f"Resealed {len(gateways)} gateways, {len(endpoints)} endpoints and {apps} authenticator apps."
        )
