"""Brokers that behave otherwise than the simulated ones."""

from collections.abc import Callable

import pytest

from brokers.ports import registry
from brokers.simulator.adapter import SimulatedBroker

Use = Callable[[type[SimulatedBroker]], None]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Has the registry hand out another broker of the same terms."""
    terms = registry._SIMULATED.terms
    return lambda kind: monkeypatch.setattr(registry, "_SIMULATED", kind(terms))
