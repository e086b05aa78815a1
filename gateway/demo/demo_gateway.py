"""The demo site's gateway: created once, then reused. Its credentials go to the demo site's process.

Nothing is written to a file: the secrets are encrypted in the database like every partner's, and are passed in the
child's environment. So a rotated secret takes effect, and deleting the database leaves no stale copy.
"""

from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.fernet import InvalidToken
from django.contrib.auth.models import Permission, User
from django.db.transaction import atomic

from gateway.models import Gateway
from gateway.partners.authentication import api_secrets, jwt_secrets
from gateway.partners.credentials import create_gateway
from gateway.values.errors import Conflict
from smallcases.api.manager_tokens import issue_token
from smallcases.models import Smallcase
from webhooks.delivery.endpoints import add_endpoint, enable, move, signing_secrets
from webhooks.events.event_types import EventType
from webhooks.models import Endpoint

NAME: Final = "demo-site"
MANAGER: Final = "demo-manager"
# Different sites for a browser; the demo site uses the gateway's host, so that they are one site.
HOSTS: Final = ("127.0.0.1", "localhost")


def origins_at(port: int) -> list[str]:
    return [f"http://{host}:{port}" for host in HOSTS]


def prepare_site(*, port: int, gateway_port: int, database: Path, with_manager: bool, now: datetime) -> dict[str, str]:
    """The environment of a demo site on `port` (shop/config.py).

    Repeating it creates no second gateway; a new port moves its URLs.
    """
    origins = origins_at(port)
    with atomic(durable=True):
        gateway = _gateway(origins, now)
        endpoint = _endpoint(gateway, f"{origins[0]}/webhooks", now)
    return {
        "SHOP_ORIGINS": ",".join(origins),
        "SHOP_GATEWAY_URLS": ",".join(origins_at(gateway_port)),
        "SHOP_GATEWAY": gateway.name,
        **_opened(gateway, endpoint),
        "SHOP_MANAGER_TOKEN": issue_token(user=_manager()) if with_manager else "",
        "SHOP_DATABASE": str(database),
    }


def _opened(gateway: Gateway, endpoint: Endpoint) -> dict[str, str]:
    try:
        return {
            "SHOP_API_SECRET": api_secrets(gateway)[0],
            "SHOP_JWT_SECRET": jwt_secrets(gateway)[0],
            "SHOP_WEBHOOK_SECRETS": ",".join(signing_secrets(endpoint)),
        }
    except InvalidToken:
        raise Conflict(f"The secrets of {NAME} were encrypted with a key that is not among ENCRYPTION_KEYS.") from None


def _gateway(origins: list[str], now: datetime) -> Gateway:
    found = Gateway.objects.filter(name=NAME).first()
    if found is None:
        return create_gateway(name=NAME, is_test=True, allowed_origins=origins, now=now).gateway
    if not found.is_test:
        raise Conflict(f"The gateway {NAME} is a live gateway; the demo site needs a test gateway.")
    Gateway.objects.filter(pk=found.pk).update(allowed_origins=origins)
    return found


def _endpoint(gateway: Gateway, url: str, now: datetime) -> Endpoint:
    found = gateway.endpoints.order_by("pk").first()
    if found is None:
        return add_endpoint(gateway=gateway, url=url, types=tuple(EventType), now=now).endpoint
    move(found, url=url)
    enable(found)  # the endpoint may have been disabled while no demo site ran
    return found


def _manager() -> User:
    """A user who may publish rebalances of the smallcases that have no manager yet, and who cannot log in."""
    with atomic(durable=True):
        found, is_new = User.objects.get_or_create(username=MANAGER)
        if is_new:
            found.set_unusable_password()
            found.save(update_fields=["password"])
            found.user_permissions.add(Permission.objects.get(codename="add_version"))
            Smallcase.objects.filter(manager=None).update(manager=found)
    return found
