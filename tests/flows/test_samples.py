"""A sample has the shape of the real event of its type, key for key and JSON type for JSON type."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.partners import clock
from smallcases.rebalancing.publishing import publish_rebalance
from tests import make
from tests.flows.stage import THREE_BUYS
from tests.investor import Investor
from tests.partner import Partner
from tests.receiver import Receiver
from tests.smallcases import shelf
from webhooks.events.event_examples import sample
from webhooks.events.event_types import EventType
from webhooks.models import Endpoint, Event

Json = dict[str, Any]
WHO_MAY_BE_UNKNOWN = {"smallcaseAuthId", "broker"}  # of a transaction that errored before the login


@pytest.fixture
def heard(partner: Partner, receiver: Receiver) -> dict[str, list[Json]]:
    """Real bodies by type: of a basket that fills at once, one that fills slowly, a session that ends, and others."""
    Endpoint.objects.update(types=[kind.value for kind in EventType])
    for client_id in ("happy", "slow", "session-ends"):
        partner.complete(partner.create(THREE_BUYS), client_id)
        partner.advance("PT20S")
        make.sweep()
    partner.complete(partner.create(), "happy", stopAt="confirmation")
    smallcase = make.smallcase()
    investor = Investor(partner)
    investor.complete(investor.errand("HOLDINGS_IMPORT"))
    constituents = shelf.weighted({"INFY": "50", "TCS": "50"})
    later = clock.wall() + timedelta(seconds=1)
    publish_rebalance(smallcase=smallcase, constituents=constituents, label="Anew", rationale="", by=None, now=later)
    make.sweep()
    bodies: dict[str, list[Json]] = {}
    for hit in receiver.hits:
        bodies.setdefault(hit.event, []).append(hit.json)
    return bodies


def shape(value: Any) -> Any:
    """Names and JSON types all the way down; of a list, what its members have in common. Ints are numbers."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [set(map(str, map(_sorted_keys, value)))]
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def _sorted_keys(value: Any) -> list[str]:
    return sorted(value) if isinstance(value, dict) else [type(value).__name__]


def of_a_sample(kind: EventType) -> Json:
    """As it would arrive."""
    return sample(kind, now=clock.wall()) | {"timestamp": "", "checksum": ""}


@pytest.mark.parametrize("kind", list(EventType))
def test_has_the_keys_of_a_real_event(heard: dict[str, list[Json]], kind: EventType) -> None:
    real = [body for body in heard[kind] if body.get("action", "REBALANCE") == "REBALANCE" and "scid" not in body]
    real += [body for body in heard[kind] if kind is EventType.ACTION_PENDING and body["action"] == "REBALANCE"]

    assert real
    assert {tuple(sorted(body)) for body in real} == {tuple(sorted(of_a_sample(kind)))}


@pytest.mark.parametrize(
    "kind", [EventType.ORDER_COMPLETED, EventType.HOLDINGS_IMPORTED, EventType.ACTION_PENDING, EventType.ORDER_PLACED]
)
def test_has_the_types_of_a_real_event(heard: dict[str, list[Json]], kind: EventType) -> None:
    made = of_a_sample(kind)
    real = [body for body in heard[kind] if body.keys() == made.keys()]

    told = [{name: shape(value) for name, value in body.items() if name != "notes"} for body in real]
    assert {name: shape(value) for name, value in made.items() if name != "notes"} in told


def test_is_of_nobody(partner: Partner) -> None:
    one, other = (sample(EventType.ORDER_PLACED, now=clock.wall()) for _ in range(2))

    for name in ("batchId", "transactionId", "smallcaseAuthId"):
        assert one[name] != other[name]
    assert not Event.objects.exists()
