"""A client of a simulated broker, without a gateway's transaction around it."""

from collections.abc import Callable
from datetime import datetime

import pytest

from brokers.ports.broker import Broker, LiveSession
from brokers.ports.registry import adapter_for
from brokers.simulator.models import SimAccount
from gateway.models import Gateway
from tests import make

Enter = Callable[..., LiveSession]


@pytest.fixture
def gateway(instruments: None) -> Gateway:
    return make.gateway()


@pytest.fixture
def broker() -> Broker:
    return adapter_for("kite")


@pytest.fixture
def enter(gateway: Gateway, broker: Broker, now: datetime) -> Enter:
    """Log in, as `happy` at kite unless told otherwise."""

    def log_in(client_id: str = "happy", *, pin: str = "1234", key: str = "kite") -> LiveSession:
        return broker.login(gateway=gateway.pk, broker=key, client_id=client_id, pin=pin, now=now)

    return log_in


@pytest.fixture
def account(enter: Enter) -> SimAccount:
    enter()
    return SimAccount.objects.select_related("gateway").get()
