"""Fixed time for the services' tests: real time is `now`, and only gateways' clocks are moved."""

from collections.abc import Iterator
from datetime import datetime

import pytest
import time_machine

from gateway.models import Gateway
from tests import make


@pytest.fixture
def still(now: datetime) -> Iterator[None]:
    with time_machine.travel(now, tick=False):
        yield


@pytest.fixture
def gateway(still: None, instruments: None) -> Gateway:
    """A test gateway, always open, without webhooks."""
    return make.gateway()
