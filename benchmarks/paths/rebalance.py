"""Publishing a rebalance and reading one user's investments, with a thousand investments and with a million."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from statistics import median
from typing import Final

from django.db import connection
from rich.progress import track

from benchmarks.figures import Row, Side, at_most
from benchmarks.stage import Stage
from gateway.models import Gateway
from gateway.partners import clock
from gateway.partners.credentials import create_gateway
from smallcases.catalogue.create_smallcases import load_catalogue
from smallcases.catalogue.selectors import newest_version_of
from smallcases.catalogue.weights import Weighted
from smallcases.models import Investment, RebalanceNotice, Smallcase
from smallcases.rebalancing.publishing import publish_rebalance
from smallcases.rebalancing.rebalance_notifications import CHUNK, notify_investors
from tests.smallcases import shelf
from transactions.api.portfolio_payloads import investment
from transactions.queries.user_portfolio import held
from webhooks.delivery.endpoints import add_endpoint
from webhooks.events.event_types import EventType

NAMES: Final = ("INFY", "TCS", "WIPRO", "HCLTECH", "TECHM", "LTTS", "COFORGE", "PERSISTENT", "MPHASIS", "KPITTECH")
GATEWAYS: Final = 3  # with investors; as many again without

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


def measure(stage: Stage) -> Iterator[Row]:
    small, large, rounds = 1_000, stage.knobs.of_rows(1_000_000, least=2_000), stage.knobs.many(40, least=5)
    gateways = _gateways(2 * GATEWAYS)[:GATEWAYS]
    few = _invested("SCBM_0011", gateways, small)
    among_few = _read(few, rounds)
    stage.say(f"{large:,} investments created")
    many = _invested("SCBM_0012", gateways, large)
    among_many = _read(many, rounds)
    to_few: list[float] = []
    to_many: list[float] = []
    for number in track(range(rounds + 2), description="  rounds", console=stage.console):
        pairs = [(to_few, few), (to_many, many)]
        for timed, smallcase in pairs if number % 2 else reversed(pairs):
            taken = _milliseconds(partial(_publish, smallcase, number))
            timed.extend([taken] if number >= 2 else [])  # the first two warm up
    told = median(_announced(min(rounds, large // GATEWAYS // CHUNK)))
    speed = f"then one worker notifies {CHUNK / told * 1000:,.0f} investors per second"
    sizes = f"{small:,} investors against {large:,}"
    yield replace(_grown("publish a rebalance", sizes, to_few, to_many), note=speed)
    yield _grown("read one user's investments", sizes, among_few, among_many)


def _grown(path: str, against: str, few: Sequence[float], many: Sequence[float]) -> Row:
    """The ratio of the medians, because rounds are too short to be compared singly."""
    sides = Side("few", "ms", tuple(few)), Side("many", "ms", tuple(many))
    figures = (median(many) / median(few),)
    return Row(path=path, against=against, unit="× its time", figures=figures, target=at_most(1.5), sides=sides)


def _gateways(count: int) -> list[Gateway]:
    now = clock.wall()
    made = [create_gateway(name=f"g{n}", is_test=False, allowed_origins=[], now=now).gateway for n in range(count)]
    for gateway in made:
        endpoint = add_endpoint(gateway=gateway, url="https://partner.example/hooks", now=now).endpoint
        endpoint.types = [EventType.ACTION_PENDING.value]
        endpoint.save()
    return made


def _invested(scid: str, gateways: Sequence[Gateway], count: int) -> Smallcase:
    """A smallcase of ten stocks with `count` investments, spread over the gateways."""
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


def _read(of: Smallcase, rounds: int) -> list[float]:
    """Reads one user's investments completely. Not interleaved: the table has either few investments or many."""
    account = Investment.objects.filter(smallcase=of).latest("pk").account
    every = [
        _milliseconds(lambda: [investment(one) for one in held(account, now=clock.wall())])
        for _ in range(rounds * 5 + 20)
    ]
    return every[20:]  # without the warm-up


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
    """For the last version of the smallcase with many investors."""
    row = RebalanceNotice.objects.filter(version__smallcase__scid="SCBM_0012").latest("pk").pk
    return [_milliseconds(partial(notify_investors, row=row, attempt=attempt)) for attempt in range(max(chunks, 1))]


def _milliseconds(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return (time.perf_counter() - begun) * 1000
