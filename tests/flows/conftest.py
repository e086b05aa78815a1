"""Stories that write nothing need no queue; those about the exchange's hours need a known day."""

from collections.abc import Iterator
from datetime import datetime

import pytest
import time_machine

from gateway.credentials import Credentials
from tests.partner import Partner


@pytest.fixture
def caller(credentials: Credentials) -> Partner:
    """A partner's server whose bells nobody answers."""
    return Partner(credentials.gateway.name, credentials.api_secret, credentials.jwt_secret)


@pytest.fixture
def friday(now: datetime) -> Iterator[None]:
    """The wall's clock runs on from 11:00 in Mumbai, Friday 20 November 2026; the Tuesday after is a holiday."""
    with time_machine.travel(now, tick=True):
        yield
