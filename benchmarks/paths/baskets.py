"""Baskets from the confirmation until their orders are placed and filled, with two worker processes.

Against the same rows: they are read, deleted, and inserted again by hand-made SQL.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from benchmarks.copying import CONNECTIONS, executed, forget, statements
from benchmarks.figures import Row, Side, at_least, ratios
from benchmarks.machine import busy
from benchmarks.playing import logged_in, played
from benchmarks.stage import Stage
from gateway.models import Gateway
from gateway.partners import clock
from gateway.partners.credentials import create_gateway
from webhooks.delivery.endpoints import add_endpoint

# Baskets per round, by the number of orders.
SIZES: Final = {1: 2_000, 10: 1_500, 100: 200}
OPENALGO: Final = 35.0  # orders/s: the middle of the published 30 to 40 of its sandbox
WORKERS: Final = ("worker", "beat")


def measure(stage: Stage) -> Iterator[Row]:
    """The gateway has an endpoint, so that deliveries are recorded; no worker sends them during the rounds."""
    gateway = create_gateway(name="bench", is_test=True, allowed_origins=[], now=clock.wall()).gateway
    add_endpoint(gateway=gateway, url="http://127.0.0.1:9/hooks", now=clock.wall())
    stage.worker()
    stage.beat()
    _round(stage, gateway, names=10, number=20)  # opens the connections
    for names in SIZES:
        yield from _rows(stage, gateway, names)


def _rows(stage: Stage, gateway: Gateway, names: int) -> Iterator[Row]:
    number = stage.knobs.many(SIZES[names], least=20)
    with stage.watched(*WORKERS) as cores:
        rounds = [_round(stage, gateway, names=names, number=number)]
    rounds += [_round(stage, gateway, names=names, number=number) for _ in range(stage.knobs.rounds - 1)]
    mine, other = [one for one, _ in rounds], [one for _, one in rounds]
    path = f"confirm → completed, baskets of {names}"
    ours = Side("gateway", "orders/s", tuple(mine))
    row = Row(
        path=path,
        against=f"the same rows by hand-made SQL, {CONNECTIONS} connections, one transaction per batch",
        unit="× its orders/s",
        figures=ratios(mine, other),
        target=at_least(0.3),
        sides=(ours, Side("by hand", "orders/s", tuple(other))),
        note=f"{number} baskets per round; {busy(cores)}",
    )
    yield row.explained(lambda: _profile(stage, gateway, names, number))
    if names == 10:
        yield replace(
            row, against="a limit", unit="orders/s", figures=tuple(mine), target=at_least(800), sides=(), note=""
        )
        figures = tuple(one / OPENALGO for one in mine)
        yield replace(row, against=f"OpenAlgo's sandbox as published, {OPENALGO:.0f} orders/s", figures=figures,
                      target=None, sides=(), note="", held_back="")  # fmt: skip


def _round(stage: Stage, gateway: Gateway, *, names: int, number: int) -> tuple[float, float]:
    """Orders per second: by the gateway, and by hand."""
    url, orders = stage.database.url, number * names
    took = played(stage, logged_in(gateway, number=number, names=names), names=names)
    written = statements(url)
    forget(url)
    by_hand = executed(url, written)
    forget(url)
    stage.say(f"{number} baskets of {names}: {orders / took:,.0f} orders/s, by hand {orders / by_hand:,.0f}")
    return orders / took, orders / by_hand


def _profile(stage: Stage, gateway: Gateway, names: int, number: int) -> str:
    pks = logged_in(gateway, number=2 * number, names=names)
    told = stage.profile("worker", load=lambda: played(stage, pks, names=names))
    forget(stage.database.url)
    return told
