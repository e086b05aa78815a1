"""Fixed time here, too: real time is `now`, and only gateways' clocks are moved."""

from collections.abc import Iterator
from datetime import datetime

import pytest
import time_machine


@pytest.fixture
def still(now: datetime) -> Iterator[None]:
    with time_machine.travel(now, tick=False):
        yield
