from collections.abc import Sequence
from datetime import datetime

import pytest

from gateway.database.encryption import decrypt
from gateway.models import Gateway
from gateway.values.errors import Conflict, Invalid
from tests import make
from webhooks.delivery.endpoints import (
    add_endpoint,
    check_url,
    disable,
    enable,
    retire_secret,
    rotate_secret,
    subscribe,
)
from webhooks.delivery.retry import Plan
from webhooks.events.event_types import EventType
from webhooks.models import Endpoint

URL = "https://partner.example/hooks"


@pytest.fixture
def gateway(db: None) -> Gateway:
    return make.gateway()


def secrets(endpoint: Endpoint) -> Sequence[str]:
    """Those that sign, as stored."""
    row = Endpoint.objects.get(pk=endpoint.pk)
    return [decrypt(encrypted) for encrypted in (row.encrypted_secret, row.encrypted_previous_secret) if encrypted]


class TestCheckUrl:
    @pytest.mark.parametrize("url", [URL, "http://127.0.0.1:8000/hooks", "https://[::1]/x?y=1"])
    def test_lets_a_web_address_through(self, url: str) -> None:
        assert check_url(url) == url

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "hooks",
            "ftp://partner.example/",
            "file:///etc/passwd",
            "https://",
            "https:///hooks",
            "https://user@partner.example/",
            "https://user:pass@partner.example/",
            "https://[::1",
        ],
    )
    def test_refuses_any_other(self, url: str) -> None:
        with pytest.raises(Invalid):
            check_url(url)


class TestAddEndpoint:
    def test_shows_the_secret_once_and_keeps_it_sealed(self, gateway: Gateway, now: datetime) -> None:
        made = add_endpoint(gateway=gateway, url=URL, now=now)

        assert made.secret not in made.endpoint.encrypted_secret
        assert secrets(made.endpoint) == [made.secret]

    def test_listens_by_default_to_what_happens_to_orders_and_holdings(self, gateway: Gateway, now: datetime) -> None:
        made = add_endpoint(gateway=gateway, url=URL, now=now).endpoint

        assert (made.plan, made.is_enabled, made.types) == (
            "standard",
            True,
            ["order.placed", "order.completed", "order.updated", "holdings.imported"],
        )

    def test_refuses_the_same_url_twice(self, gateway: Gateway, now: datetime) -> None:
        add_endpoint(gateway=gateway, url=URL, now=now)

        with pytest.raises(Conflict):
            add_endpoint(gateway=gateway, url=URL, now=now)

        assert Endpoint.objects.count() == 1

    def test_allows_two_gateways_the_same_url(self, gateway: Gateway, now: datetime) -> None:
        add_endpoint(gateway=gateway, url=URL, now=now)
        add_endpoint(gateway=make.gateway(), url=URL, now=now)

        assert Endpoint.objects.count() == 2

    def test_writes_nothing_for_a_url_that_is_none(self, gateway: Gateway, now: datetime) -> None:
        with pytest.raises(Invalid):
            add_endpoint(gateway=gateway, url="ftp://partner.example/", now=now)

        assert not Endpoint.objects.exists()


class TestRotateSecret:
    def test_lets_both_sign(self, gateway: Gateway, now: datetime) -> None:
        made = add_endpoint(gateway=gateway, url=URL, now=now)

        new = rotate_secret(made.endpoint)

        assert secrets(made.endpoint) == [new, made.secret]

    def test_twice_is_refused_until_the_old_one_is_retired(self, gateway: Gateway, now: datetime) -> None:
        made = add_endpoint(gateway=gateway, url=URL, now=now)
        new = rotate_secret(made.endpoint)

        with pytest.raises(Conflict):
            rotate_secret(made.endpoint)

        assert secrets(made.endpoint) == [new, made.secret]

    def test_may_follow_a_retirement(self, gateway: Gateway, now: datetime) -> None:
        made = add_endpoint(gateway=gateway, url=URL, now=now)
        first = rotate_secret(made.endpoint)
        retire_secret(made.endpoint)
        assert secrets(made.endpoint) == [first]

        second = rotate_secret(made.endpoint)

        assert secrets(made.endpoint) == [second, first]


class TestDisabling:
    def test_is_done_once_and_says_why(self, gateway: Gateway, now: datetime) -> None:
        endpoint = add_endpoint(gateway=gateway, url=URL, now=now).endpoint

        done = [disable(endpoint, because=why, now=now) for why in ("The endpoint answered 410 Gone.", "Later.")]

        endpoint.refresh_from_db()
        assert done == [True, False]
        assert (endpoint.is_enabled, endpoint.disabled_at, endpoint.disabled_reason) == (
            False,
            now,
            "The endpoint answered 410 Gone.",
        )

    def test_is_undone_with_a_clean_slate(self, gateway: Gateway, now: datetime) -> None:
        endpoint = add_endpoint(gateway=gateway, url=URL, now=now).endpoint
        Endpoint.objects.update(failures=100, failing_since=now)
        disable(endpoint, because="The endpoint failed 100 times in a row.", now=now)

        done = [enable(endpoint) for _ in range(2)]

        endpoint.refresh_from_db()
        assert done == [True, False]
        assert (endpoint.is_enabled, endpoint.disabled_at, endpoint.disabled_reason) == (True, None, "")
        assert (endpoint.failures, endpoint.failing_since) == (0, None)


class TestSubscribing:
    def test_changes_types_and_plan(self, gateway: Gateway, now: datetime) -> None:
        endpoint = add_endpoint(gateway=gateway, url=URL, now=now).endpoint

        subscribe(endpoint, types=[EventType.ACTION_PENDING], plan=Plan.GATEWAY)

        endpoint.refresh_from_db()
        assert (endpoint.types, endpoint.plan) == (["action.pending"], "gateway")
