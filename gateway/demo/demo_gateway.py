"""The gateway of the demo site: made once, found again, and its credentials handed to the process that needs them.

Nothing is written to a file: the secrets are encrypted in the database as every partner's are, and are handed over by
the child's environment. So a rotated secret is followed, and a database that was removed leaves no stale copy.
"""

from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.fernet import InvalidToken
from django.contrib.auth.models import Permission, User
from django.db.transaction import atomic

from gateway.database.encryption import decrypt
from gateway.models import Gateway
from gateway.partners.authentication import api_secrets, jwt_secrets
from gateway.partners.credentials import create_gateway
from gateway.values.errors import Conflict
from shop.config import environment_of
from smallcases.api.manager_tokens import issue_token
from smallcases.models import Smallcase
from webhooks.delivery.endpoints import add_endpoint, enable, move
from webhooks.events.event_types import EventType
from webhooks.models import Endpoint

NAME: Final = "demo-site"
MANAGER: Final = "demo-manager"
# Browsers take them for different sites; the demo site is at the same one as the gateway.
HOSTS: Final = ("127.0.0.1", "localhost")


def origins_at(port: int) -> list[str]:
    return [f"http://{host}:{port}" for host in HOSTS]


def prepare_site(*, port: int, gateway_port: int, database: Path, with_manager: bool, now: datetime) -> dict[str, str]:
    """The environment of a demo site on `port`. Twice makes one gateway; another port moves it there."""
    origins = origins_at(port)
    with atomic(durable=True):
        gateway = _gateway(origins, now)
        endpoint = _endpoint(gateway, f"{origins[0]}/webhooks", now)
    return environment_of(
        origins=origins,
        gateway_urls=origins_at(gateway_port),
        gateway=gateway.name,
        **_opened(gateway, endpoint),
        manager_token=issue_token(user=_manager()) if with_manager else "",
        database=database,
    )


def _opened(gateway: Gateway, endpoint: Endpoint) -> dict[str, str]:
    try:
        return {
            "api_secret": api_secrets(gateway)[0],
            "jwt_secret": jwt_secrets(gateway)[0],
            "webhook_secrets": ",".join(_secrets(endpoint)),
        }
    except InvalidToken:
        raise Conflict(f"The secrets of {NAME} were encrypted with a key that is not among ENCRYPTION_KEYS.") from None


def _gateway(origins: list[str], now: datetime) -> Gateway:
    found = Gateway.objects.filter(name=NAME).first()
    if found is None:
        return create_gateway(name=NAME, is_test=True, allowed_origins=origins, now=now).gateway
    if not found.is_test:
        raise Conflict(f"The gateway {NAME} is a live one; the demo site is for test gateways only.")
    Gateway.objects.filter(pk=found.pk).update(allowed_origins=origins)
    return found


def _endpoint(gateway: Gateway, url: str, now: datetime) -> Endpoint:
    found = gateway.endpoints.order_by("pk").first()
    if found is None:
        return add_endpoint(gateway=gateway, url=url, types=tuple(EventType), now=now).endpoint
    move(found, url=url)
    enable(found)  # it may have been left alone while no demo site ran
    return found


def _secrets(endpoint: Endpoint) -> list[str]:
    """Newest first; two while one is being rotated."""
    encrypted = [endpoint.encrypted_secret, endpoint.encrypted_previous_secret]
    return [decrypt(one) for one in encrypted if one]


def _manager() -> User:
    """Who may publish rebalances of the smallcases that had no manager when he was made, and can log in nowhere."""
    with atomic(durable=True):
        found, is_new = User.objects.get_or_create(username=MANAGER)
        if is_new:
            found.set_unusable_password()
            found.save(update_fields=["password"])
            found.user_permissions.add(Permission.objects.get(codename="add_version"))
            Smallcase.objects.filter(manager=None).update(manager=found)
    return found
