"""The sweep for due batches, with a hundred due and a million not due; and the dispatcher's query for deliveries."""

from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter
from typing import Final

from django.db import connection

from benchmarks.figures import Row, Side, at_most
from benchmarks.stage import Stage, connected_to
from gateway.models import Account
from gateway.partners import clock
from gateway.partners.credentials import create_gateway
from transactions.execution.batch_worker import BatchWorker
from transactions.execution.broker_calls import BrokerCalls
from webhooks.delivery import dispatcher
from webhooks.delivery.endpoints import add_endpoint

DUE: Final = 100
# Batches and deliveries of one account and endpoint, `first` to `last`: due at :due, not leased.
ROWS: Final = """
WITH transactions AS (
    INSERT INTO transactions_transaction (transaction_id, gateway_id, account_id, intent, status, order_config, config,
        is_new_user, sealed_login, error_message, expires_at, created_at, updated_at)
    SELECT 'TRX_' || lpad(to_hex(n), 32, '0'), %(gateway)s, %(account)s, 'TRANSACTION', 'PROCESSING', '{}', '{}',
        false, '', '', now(), now(), now() FROM generate_series(%(first)s::bigint, %(last)s) n RETURNING id
), batches AS (
    INSERT INTO transactions_batch (batch_id, transaction_id, account_id, gateway_id, variety, status, sequence,
        created_at, placed_at, due_at, leased_until, attempts)
    SELECT lpad(to_hex(id), 24, '0'), id, %(account)s, %(gateway)s, 'regular', 'PLACED', 0,
        now(), now(), %(due)s, now() - interval '1 minute', 1 FROM transactions
), events AS (
    INSERT INTO webhooks_event (gateway_id, key, type, subject, sequence, payload, transaction_id, auth_id, request_id,
        created_at)
    SELECT %(gateway)s, 'evt_' || lpad(to_hex(id), 24, '0'), 'order.placed', lpad(to_hex(id), 24, '0'), 1, '{}', '', '',
        '', now() FROM transactions RETURNING id
)
INSERT INTO webhooks_delivery (gateway_id, event_id, endpoint_id, status, is_bulk, failures, due_at, leased_until,
    attempts)
SELECT %(gateway)s, id, %(endpoint)s, 'DUE', false, 0, %(due)s, now() - interval '1 minute', 0 FROM events
"""
AGAIN: Final = "UPDATE transactions_batch SET leased_until = now() - interval '1 minute' WHERE due_at <= now()"


def measure(stage: Stage) -> Iterator[Row]:
    """Two databases of one server: a hundred due rows alone, and a hundred due rows among all others."""
    number = stage.knobs.of_rows(1_000_000, least=10_000)
    placed = _placed()
    few = stage.another_database("few")
    many = stage.another_database("many")
    for url, waiting in ((few, 0), (many, number)):
        _fill(stage, url, placed, waiting)
    rounds = stage.knobs.many(100, least=10)
    against = f"{DUE} due among {number:,} not due, to {DUE} alone"
    yield _row(stage, "claim due batches", against, _claim, rounds)
    yield _row(stage, "a dispatcher's query for due deliveries", against, _look, rounds)


def _row(stage: Stage, path: str, against: str, act: Callable[[], object], rounds: int) -> Row:
    """The ratio of the medians, because a round is too short to be compared singly."""
    took: dict[str, list[float]] = {"few": [], "many": []}
    for _ in range(rounds):
        for name, times in took.items():
            with connected_to(name):
                stage.execute(AGAIN, database=_url(stage, name))
                list(clock.clocks())  # opens the connection
                began = perf_counter()
                act()
                times.append(1000 * (perf_counter() - began))
        stage.empty_queue()
    sides = Side("alone", "ms", tuple(took["few"])), Side("among them", "ms", tuple(took["many"]))
    figures = (median(took["many"]) / median(took["few"]),)
    return Row(path=path, against=against, unit="× its time", figures=figures, target=at_most(1.5), sides=sides)


def _claim() -> object:
    """Set by set, as in a worker's shift."""
    while BatchWorker(BrokerCalls(at_once=1))._take(is_queued=False):
        pass
    return None


def _look() -> object:
    """Reads the due deliveries and leases none."""
    return dispatcher.take(room=dispatcher.LIMITS.young_at_once, pick=lambda shown: [])


def _placed() -> dict[str, int]:
    now = clock.wall()
    gateway = create_gateway(name="bench", is_test=True, allowed_origins=[], now=now).gateway
    account = Account.objects.create(gateway=gateway, auth_id="a" * 24, broker="kite", client_id="one", created_at=now)
    endpoint = add_endpoint(gateway=gateway, url="http://127.0.0.1:9/hooks", now=now).endpoint
    return {"gateway": gateway.pk, "account": account.pk, "endpoint": endpoint.pk}


def _fill(stage: Stage, url: str, placed: dict[str, int], waiting: int) -> None:
    name = url.rpartition("/")[2]
    with connected_to(name), connection.cursor() as cursor:
        cursor.execute(ROWS, placed | {"first": 1, "last": DUE, "due": "2026-01-01T00:00:00Z"})
        if waiting:
            cursor.execute(ROWS, placed | {"first": DUE + 1, "last": DUE + waiting, "due": "2099-01-01T00:00:00Z"})
        cursor.execute("VACUUM ANALYZE")
    stage.say(f"{waiting:,} batches and as many deliveries wait in {name}")


def _url(stage: Stage, name: str) -> str:
    return f"{stage.database.url.rpartition('/')[0]}/{name}"
