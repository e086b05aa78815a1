"""Every read of a partner, with ten thousand orders and with ten million: 99th percentiles, one request at a time.

Two databases of one server, each behind its own web. The users of the requests are spread over the whole table.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import Final

from django.db import connection
from rich.progress import track

from benchmarks.figures import Row, Side, at_most, interleaved, ratios
from benchmarks.load import request, shoot
from benchmarks.machine import busy
from benchmarks.paths.create import partner
from benchmarks.stage import Stage, connected_to
from gateway.models import Gateway
from gateway.partners import clock
from gateway.values.tokens import connected_token
from smallcases.models import Smallcase
from tests.partner import Partner
from webhooks.delivery.endpoints import add_endpoint
from webhooks.models import Endpoint

SMALL: Final = 10_000
CHUNK: Final = 1_000_000  # orders per transaction
ASKED: Final = 200  # users per round
ENGINE: Final = "/v1/{gateway}/engine"
# Each user n has one account and ten batches of ten orders, the first of a smallcase. Ids are numbers in hexadecimal:
# n for users, and from ten times n for transactions and batches.
FILL: Final = """
SET LOCAL session_replication_role = replica; SET LOCAL synchronous_commit = off;
INSERT INTO gateway_account (id, gateway_id, auth_id, broker, client_id, created_at)
SELECT n, {gateway}, lpad(to_hex(n), 24, '0'), 'kite', 'user-' || n, now() FROM generate_series({first}, {last}) n;
INSERT INTO transactions_transaction (id, transaction_id, gateway_id, account_id, intent, status, order_config, config,
    is_new_user, sealed_login, error_message, expires_at, created_at, updated_at, completed_at)
SELECT 10 * n + k, 'TRX_' || lpad(to_hex(10 * n + k), 32, '0'), {gateway}, n, 'TRANSACTION', 'COMPLETED',
    '{{"type": "SECURITIES", "securities": [{{"ticker": "INFY", "quantity": 1, "type": "BUY"}}]}}', '{{}}',
    false, '', '', now(), now(), now(), now() FROM generate_series({first}, {last}) n, generate_series(0, 9) k;
INSERT INTO transactions_batch (id, batch_id, transaction_id, account_id, gateway_id, variety, label, original_label,
    iscid, version_id, status, sequence, created_at, placed_at, completed_at, leased_until, attempts)
SELECT 10 * n + k, lpad(to_hex(10 * n + k), 24, '0'), 10 * n + k, n, {gateway}, 'regular',
    CASE k WHEN 0 THEN 'BUY' END, CASE k WHEN 0 THEN 'BUY' END, CASE k WHEN 0 THEN lpad(to_hex(n), 24, '0') END,
    CASE k WHEN 0 THEN {version} END, 'COMPLETED', 2, now(), now(), now(), now(), 2
FROM generate_series({first}, {last}) n, generate_series(0, 9) k;
INSERT INTO transactions_order (id, batch_id, position, ref, ticker, side, quantity, order_type, validity, status,
    filled_quantity, average_price, exchange_order_id, ordered_at, words)
SELECT 100 * n + 10 * k + p, 10 * n + k, p, lpad(to_hex(100 * n + 10 * k + p), 24, '0'), ('{tickers}'::text[])[p + 1],
    'BUY', 3, 'MARKET', 'DAY', 'COMPLETE', 3, 100, (1000000000000000 + 100 * n + 10 * k + p)::text, now(), '[]'
FROM generate_series({first}, {last}) n, generate_series(0, 9) k, generate_series(0, 9) p;
INSERT INTO smallcases_investment (id, iscid, gateway_id, account_id, smallcase_id, version_id, deviated, created_at)
SELECT n, lpad(to_hex(n), 24, '0'), {gateway}, n, {smallcase}, {version}, false, now()
FROM generate_series({first}, {last}) n;
INSERT INTO smallcases_investmentfill (id, investment_id, order_ref, ticker, side, shares, price, at)
SELECT 10 * n + p, n, lpad(to_hex(100 * n + p), 24, '0'), ('{tickers}'::text[])[p + 1], 'BUY', 3, 100, now()
FROM generate_series({first}, {last}) n, generate_series(0, 9) p;
INSERT INTO transactions_holdingssnapshot (id, account_id, securities, taken_at)
SELECT n, n, '[]', now() FROM generate_series({first}, {last}) n;
INSERT INTO webhooks_event (id, gateway_id, key, type, subject, sequence, payload, transaction_id, auth_id, request_id,
    created_at)
SELECT 10 * n + k, {gateway}, 'evt_' || lpad(to_hex(10 * n + k), 24, '0'), 'order.completed',
    lpad(to_hex(10 * n + k), 24, '0'), 2, '{{}}', 'TRX_' || lpad(to_hex(10 * n + k), 32, '0'), lpad(to_hex(n), 24, '0'),
    '', now() FROM generate_series({first}, {last}) n, generate_series(0, 9) k;
INSERT INTO webhooks_delivery (id, gateway_id, event_id, endpoint_id, status, is_bulk, failures, settled_at,
    leased_until, attempts)
SELECT 10 * n + k, {gateway}, 10 * n + k, {endpoint},
    CASE WHEN n % 10 = 0 AND k < 3 THEN 'GIVEN_UP' ELSE 'DELIVERED' END, false, 0, now(), now(), 1
FROM generate_series({first}, {last}) n, generate_series(0, 9) k;
"""
TICKERS: Final = "{INFY,TCS,WIPRO,HCLTECH,TECHM,LTTS,COFORGE,PERSISTENT,MPHASIS,KPITTECH}"
# The requests for user {auth_id}, and whether they need a connected user.
READS: Final = {
    "transaction details": ("/transactiondetails?transactionId={transaction}", False),
    "order details by transaction": ("/orders/sst?transactionId={transaction}", False),
    "order details by batch": ("/orders/sst?batchId={batch}", False),
    "a user's order details": ("/orders/sst", True),
    "smallcase order details by iscid": ("/orders/smt?iscid={auth_id}", False),
    "a user's smallcase order details": ("/orders/smt", True),
    "investments": ("/user/investments", True),
    "one investment": ("/user/investments?iscid={auth_id}", True),
    "exited smallcases": ("/user/exitedSmallcases", True),
    "holdings, v1": ("/user/holdings?version=v1", True),
    "holdings, v2": ("/user/holdings?version=v2", True),
    "catalogue": ("/smallcases", False),
    "one smallcase": ("/smallcase?scid={scid}", False),
    "chart": ("/smallcase/chart?scid={scid}&duration=1y", False),
    "events, newest": ("/webhooks/events", False),
    "events of a user": ("/webhooks/events", True),
    "events of a transaction": ("/webhooks/events?transactionId={transaction}", False),
    "events by type": ("/webhooks/events?type=order.completed", False),
    "events by status": ("/webhooks/events?status=GIVEN_UP", False),
}


def measure(stage: Stage) -> Iterator[Row]:
    asking, large = partner(), stage.knobs.rows
    add_endpoint(gateway=Gateway.objects.get(), url="http://127.0.0.1:9/hooks", now=clock.wall())
    sizes = {"small": SMALL, "large": max(large, 2 * SMALL)}
    for name in sizes:
        stage.another_database(name)
    for name, orders in sizes.items():
        _fill(stage, name, orders)
    root = stage.database.url.rpartition("/")[0]
    ports = {name: stage.web(name=name, DATABASE_URL=f"{root}/{name}") for name in sizes}
    for read in READS:
        yield _row(stage, asking, read, ports, sizes)


def _row(stage: Stage, asking: Partner, read: str, ports: dict[str, int], sizes: dict[str, int]) -> Row:
    asked = {name: _requests(asking, read, users=sizes[name] // 100) for name in ports}
    for name, port in ports.items():
        shoot(port, asked[name], seconds=max(0.3, stage.knobs.seconds / 10), connections=1)
    with stage.watched(*ports) as cores:
        small, large = interleaved(
            stage.knobs.rounds,
            lambda: shoot(ports["small"], asked["small"], seconds=stage.knobs.seconds, connections=1),
            lambda: shoot(ports["large"], asked["large"], seconds=stage.knobs.seconds, connections=1),
        )
    mine, other = [1000 * shot.p99 for shot in large], [1000 * shot.p99 for shot in small]
    row = Row(
        path=f"read {read}",
        against=f"{sizes['large']:,} orders to {sizes['small']:,}",
        unit="× its p99",
        figures=ratios(mine, other),
        target=at_most(1.3),
        sides=(Side("large", "ms", tuple(mine)), Side("small", "ms", tuple(other))),
    )
    row = replace(row, note=busy(cores))
    again = partial(shoot, ports["large"], asked["large"], seconds=stage.knobs.seconds + 1, connections=1)
    return row.explained(lambda: stage.profile("large", load=again))


def _requests(asking: Partner, read: str, *, users: int) -> list[bytes]:
    """Spread evenly over all users, in a scattered order."""
    path, as_user = READS[read]
    scid = Smallcase.objects.filter(is_archived=False).order_by("scid")[0].scid
    made = []
    for turn in range(min(users, ASKED)):
        user = 1 + (turn * 7_919_111) % users
        known = {"auth_id": f"{user:024x}", "batch": f"{10 * user + 5:024x}", "scid": scid}
        url = path.format(**known, transaction=f"TRX_{10 * user + 5:032x}")
        token = {"x-gateway-authtoken": connected_token(asking.jwt_secret, auth_id=known["auth_id"])} if as_user else {}
        made.append(request("GET", f"{ENGINE.format(gateway=asking.name)}{url}", headers=asking.headers(**token)))
    return made


def _fill(stage: Stage, name: str, orders: int) -> None:
    """A hundred orders per user, by SQL, in chunks; timed."""
    began, users, step = monotonic(), orders // 100, CHUNK // 100
    with connected_to(name), connection.cursor() as cursor:
        smallcase = Smallcase.objects.filter(is_archived=False).order_by("scid")[0]
        fixed = {
            "gateway": Gateway.objects.get().pk,
            "smallcase": smallcase.pk,
            "version": smallcase.versions.latest("number").pk,
            "endpoint": Endpoint.objects.get().pk,
            "tickers": TICKERS,
        }
        chunks = range(1, users + 1, step)
        for first in track(chunks, description=f"  {orders:,} orders", console=stage.console):
            cursor.execute(f"BEGIN; {FILL.format(**fixed, first=first, last=min(first + step - 1, users))} COMMIT")
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("SELECT pg_database_size(current_database())")
        size = cursor.fetchone()[0] / 1e6
    stage.say(f"{orders:,} orders took {monotonic() - began:,.0f} s and {size:,.0f} MB")
