"""The demo site's gateway: made once, found again, moved with its port."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User

from gateway.demo.demo_gateway import MANAGER, NAME, prepare_site
from gateway.embedded.first_operator import first_operator
from gateway.models import Gateway
from gateway.partners.authentication import api_secrets
from gateway.partners.credentials import rotate
from gateway.values.errors import Conflict
from smallcases.api.manager_tokens import kept_form
from smallcases.models import Smallcase
from tests import make
from webhooks.delivery.endpoints import disable, rotate_secret
from webhooks.events.event_types import EventType
from webhooks.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def smallcase(transactional_db: None, instruments: None) -> Smallcase:
    return make.smallcase()


def prepared(now: datetime, *, port: int = 8001, with_manager: bool = True) -> dict[str, str]:
    return prepare_site(
        port=port, gateway_port=8000, database=Path("/x/shop.sqlite3"), with_manager=with_manager, now=now
    )


class TestTheFirstTime:
    def test_makes_a_test_gateway_for_the_sites_origins(self, now: datetime) -> None:
        told = prepared(now)

        gateway, endpoint = Gateway.objects.get(), Endpoint.objects.get()
        assert (gateway.name, gateway.is_test) == (NAME, True)
        assert gateway.allowed_origins == ["http://127.0.0.1:8001", "http://localhost:8001"]
        assert (endpoint.url, set(endpoint.types)) == ("http://127.0.0.1:8001/webhooks", {*EventType})
        assert (told["SHOP_API_SECRET"], told["SHOP_GATEWAY"]) == (api_secrets(gateway)[0], NAME)
        assert told["SHOP_GATEWAY_URLS"] == "http://127.0.0.1:8000,http://localhost:8000"

    def test_makes_a_manager_who_can_log_in_nowhere(self, now: datetime, smallcase: Smallcase) -> None:
        told = prepared(now)

        manager = User.objects.get()
        smallcase.refresh_from_db()
        assert (manager.username, manager.has_usable_password(), manager.is_staff) == (MANAGER, False, False)
        assert smallcase.manager == manager
        assert manager.auth_token.key == kept_form(told["SHOP_MANAGER_TOKEN"])

    def test_leaves_the_console_its_first_operator(self, now: datetime) -> None:
        prepared(now)

        assert first_operator() is not None
        assert first_operator() is None

    def test_makes_no_manager_unasked(self, now: datetime, smallcase: Smallcase) -> None:
        told = prepared(now, with_manager=False)

        assert (told["SHOP_MANAGER_TOKEN"], User.objects.count()) == ("", 0)


class TestTheSecondTime:
    def test_finds_what_is_there(self, now: datetime) -> None:
        first, second = prepared(now), prepared(now)

        assert {**first, "SHOP_MANAGER_TOKEN": ""} == {**second, "SHOP_MANAGER_TOKEN": ""}
        assert (Gateway.objects.count(), Endpoint.objects.count(), User.objects.count()) == (1, 1, 1)

    def test_moves_with_the_port_and_listens_again(self, now: datetime) -> None:
        prepared(now)
        disable(Endpoint.objects.get(), because="nobody answered", now=now)

        prepared(now, port=9001)

        endpoint = Endpoint.objects.get()
        assert (endpoint.url, endpoint.is_enabled) == ("http://127.0.0.1:9001/webhooks", True)
        assert Gateway.objects.get().allowed_origins == ["http://127.0.0.1:9001", "http://localhost:9001"]

    def test_follows_a_rotation(self, now: datetime) -> None:
        before = prepared(now)
        api_secret, hook_secret = rotate(Gateway.objects.get(), kind="api"), rotate_secret(Endpoint.objects.get())

        after = prepared(now)

        assert after["SHOP_API_SECRET"] == api_secret
        assert after["SHOP_WEBHOOK_SECRETS"] == f"{hook_secret},{before['SHOP_WEBHOOK_SECRETS']}"

    def test_leaves_the_manager_what_others_took_over(self, now: datetime, smallcase: Smallcase) -> None:
        prepared(now)
        Smallcase.objects.update(manager=None)

        prepared(now)

        smallcase.refresh_from_db()
        assert smallcase.manager is None


class TestALostKey:
    def test_is_named(self, now: datetime, settings: Any) -> None:
        prepared(now)
        settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

        with pytest.raises(Conflict, match="encrypted with a key that is not among ENCRYPTION_KEYS"):
            prepared(now)


class TestALiveGatewayOfThatName:
    def test_is_left_alone(self, now: datetime) -> None:
        make.credentials(name=NAME, is_test=False)

        with pytest.raises(Conflict, match="the demo site needs a test gateway"):
            prepared(now)

        assert (Endpoint.objects.count(), User.objects.count()) == (0, 0)
        assert Gateway.objects.get().allowed_origins == []
