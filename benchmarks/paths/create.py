"""A partner creates transactions: one gateway, two web processes, against a bare Django view that does one INSERT."""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from benchmarks.figures import Row, at_least, at_most
from benchmarks.load import request, shoot
from benchmarks.stage import Stage
from benchmarks.web import CONNECTIONS, ceiling, rivals
from gateway.partners import clock
from gateway.partners.credentials import create_gateway
from tests.partner import BASKET, Partner

TABLE = "CREATE TABLE bare_wish (id bigserial PRIMARY KEY, name varchar(36) UNIQUE, body jsonb, created_at timestamptz)"
BODY = json.dumps(
    {"intent": "TRANSACTION", "orderConfig": {"type": "SECURITIES", "securities": BASKET}, "notes": "order 7"}
).encode()
AGAINST = "a bare Django view that does one INSERT"


def measure(stage: Stage) -> Iterator[Row]:
    stage.execute(TABLE)
    ours, theirs = (
        (stage.web(), [creating(partner())]),
        (stage.bare_web(), [request("POST", "/insert", headers={}, body=BODY)]),
    )
    most = ceiling(stage, ours[1])
    met = rivals(stage, ours, theirs)
    note = f"the load generator's own limit: {most:,.0f} requests/s on {CONNECTIONS} connections"
    profile = cache(lambda: stage.profile("web", load=lambda: shoot(*ours, seconds=stage.knobs.seconds + 1)))
    row = met.rates(path="create transaction", against=AGAINST, target=at_least(0.6))
    yield replace(row, note=f"{row.note}; {note}").explained(profile)
    yield met.tails(path="create transaction", against=AGAINST, target=at_most(2)).explained(profile)


def partner(name: str = "bench") -> Partner:
    """With a new gateway, in the database that Django is connected to here."""
    made = create_gateway(name=name, is_test=True, allowed_origins=[], now=clock.wall())
    return Partner(name, made.api_secret, made.jwt_secret)


def creating(partner: Partner) -> bytes:
    return request("POST", f"/gateway/{partner.name}/transaction", headers=partner.headers(), body=BODY)
