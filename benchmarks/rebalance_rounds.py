"""Rounds of publishing, interleaved, and the announcing that follows; Django is set up by the time this is imported."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Final

from django.db import connection

from gateway import clock
from gateway.credentials import create_gateway
from gateway.models import Gateway
from smallcases.models import Announcement, Investment, Smallcase
from smallcases.selectors import newest_version_of
from smallcases.services.announcing import CHUNK, announce
from smallcases.services.catalogue import load_catalogue
from smallcases.services.publishing import publish_rebalance
from smallcases.weights import Weighted
from tests.smallcases import shelf
from transactions.portfolio import held
from transactions.portfolio_payloads import investment
from webhooks.events import EventType
from webhooks.services.endpoints import add_endpoint

ALLOWED: Final = 1.5
NAMES: Final = ("INFY", "TCS", "WIPRO", "HCLTECH", "TECHM", "LTTS", "COFORGE", "PERSISTENT", "MPHASIS", "KPITTECH")
GATEWAYS: Final = 3  # with investors; as many without

INVEST: Final = """
    WITH users AS (
        INSERT INTO gateway_account (gateway_id, auth_id, broker, client_id, created_at)
        SELECT %(gateway)s, lpad(to_hex(%(first)s + n), 24, '0'), 'kite', 'user-' || (%(first)s + n), now()
        FROM generate_series(1, %(count)s) AS n
        RETURNING id, auth_id
    )
    INSERT INTO smallcases_investment
        (iscid, gateway_id, account_id, smallcase_id, version_id, deviated, created_at, exited_at)
    SELECT auth_id, %(gateway)s, id, %(smallcase)s, %(version)s, false, now(), NULL FROM users
"""


FILLS: Final = """
    INSERT INTO smallcases_investmentfill (investment_id, order_ref, ticker, side, shares, price, at)
    SELECT investment.id, lpad(to_hex(investment.id), 12, '0') || name.n, name.ticker, 'BUY', 3, 100, now()
    FROM smallcases_investment AS investment, unnest(%(names)s) WITH ORDINALITY AS name(ticker, n)
    WHERE investment.smallcase_id = %(smallcase)s
"""


@dataclass
class Timed:
    """Milliseconds of each round."""

    label: str
    investments: int
    rounds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    def __str__(self) -> str:
        low, high = min(self.rounds), max(self.rounds)
        return f"{self.label:<34} {self.investments:>9,}  {self.median:8.2f} ms  ({low:.2f}–{high:.2f})"


def bench(small: int, large: int, rounds: int) -> int:
    gateways = _gateways(2 * GATEWAYS)[:GATEWAYS]
    few = _invested("SCNM_0001", gateways, small)
    among_few = _read("read one user's investments", few, small, rounds)
    many = _invested("SCNM_0002", gateways, large)
    among_many = _read("read one user's investments", few, large, rounds)
    to_few, to_many = Timed("publish_rebalance", small), Timed("publish_rebalance", large)
    for number in range(rounds + 2):
        pairs = [(to_few, few), (to_many, many)]
        for timed, smallcase in pairs if number % 2 else reversed(pairs):
            taken = _milliseconds(partial(_publish, smallcase, number))
            timed.rounds += [taken] if number >= 2 else []  # the first two warm up
    chunks = Timed("announce, a chunk", CHUNK)
    chunks.rounds = _announced(min(rounds, large // GATEWAYS // CHUNK))
    ratio, reading = to_many.median / to_few.median, among_many.median / among_few.median
    print(f"{'':<34} {'investors':>9}  {'median':>11}  (range of {rounds})")
    print(to_few, to_many, chunks, sep="\n")
    print(among_few, among_many, sep="\n")
    print(f"ratio of publishing {ratio:.2f}, of reading {reading:.2f}; {ALLOWED} allowed")
    print(f"{CHUNK / chunks.median * 1000:,.0f} investors told a second by one worker")
    return int(max(ratio, reading) > ALLOWED)


def _gateways(count: int) -> list[Gateway]:
    now = clock.wall()
    made = [create_gateway(name=f"g{n}", is_test=False, allowed_origins=[], now=now).gateway for n in range(count)]
    for gateway in made:
        endpoint = add_endpoint(gateway=gateway, url="https://partner.example/hooks", now=now).endpoint
        endpoint.types = [EventType.ACTION_PENDING.value]
        endpoint.save()
    return made


def _invested(scid: str, gateways: Sequence[Gateway], count: int) -> Smallcase:
    """A smallcase of ten names with `count` investments, spread over the gateways."""
    load_catalogue([shelf.draft(scid, weights=dict.fromkeys(NAMES, "10"))])
    version = newest_version_of(scid)
    with connection.cursor() as cursor:
        for position, gateway in enumerate(gateways):
            share = count // len(gateways) + (position < count % len(gateways))
            first = version.smallcase.pk * 10**8 + position * 10**7
            values = {"gateway": gateway.pk, "smallcase": version.smallcase.pk, "version": version.pk}
            cursor.execute(INVEST, values | {"first": first, "count": share})
        cursor.execute(FILLS, {"names": list(NAMES[:2]), "smallcase": version.smallcase.pk})
        cursor.execute("VACUUM ANALYZE")
    return version.smallcase


def _read(label: str, of: Smallcase, among: int, rounds: int) -> Timed:
    """One user's, with all that is shown of it. Not interleaved: the table holds either few investments or many."""
    account = Investment.objects.filter(smallcase=of).latest("pk").account
    timed = Timed(label, among)
    for number in range(rounds * 5 + 20):
        taken = _milliseconds(lambda: [investment(one) for one in held(account, now=clock.wall())])
        timed.rounds += [taken] if number >= 20 else []  # the first warm up
    return timed


def _publish(smallcase: Smallcase, number: int) -> None:
    shift = Decimal(number + 1) / 100
    weights = [Decimal(10) + shift, Decimal(10) - shift, *[Decimal(10)] * (len(NAMES) - 2)]
    publish_rebalance(
        smallcase=smallcase,
        constituents=[Weighted(ticker, weight) for ticker, weight in zip(NAMES, weights, strict=True)],
        label=f"Round {number}",
        rationale="",
        by=None,
        now=clock.wall(),
    )


def _announced(chunks: int) -> list[float]:
    """Of the last version of the smallcase with many investors."""
    row = Announcement.objects.filter(version__smallcase__scid="SCNM_0002").latest("pk").pk
    return [_milliseconds(partial(announce, row=row, attempt=attempt)) for attempt in range(max(chunks, 1))]


def _milliseconds(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return (time.perf_counter() - begun) * 1000
