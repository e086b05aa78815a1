"""Time stands still where a test asks for it; only a gateway's clock is moved."""

from collections.abc import Iterator
from datetime import datetime

import pytest
import time_machine
from django.conf import settings
from kombu import Connection


@pytest.fixture
def still(now: datetime) -> Iterator[None]:
    with time_machine.travel(now, tick=False):
        yield


@pytest.fixture
def empty_queue() -> None:
    """The queue, without what the tests before have sent."""
    with Connection("memory://") as connection:
        for name in settings.QUEUES:
            connection.SimpleQueue(name).clear()
