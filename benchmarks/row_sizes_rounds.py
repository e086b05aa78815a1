"""Plays the baskets of `benchmarks.row_sizes`; Django must be set up before the import."""

import sys
from collections.abc import Mapping
from itertools import count
from typing import Any, Final

from celery import current_app
from django.db import connection
from django.db.backends.utils import CursorWrapper
from rich.console import Console
from rich.progress import track

from brokers.models import Instrument
from gateway.partners import clock
from tests import make
from tests.partner import Partner
from tests.receiver import Receiver
from transactions.models import Transaction

# Tables that grow with the traffic; operators create the rows of all others.
GROWING: Final = (
    "transactions_transaction",
    "transactions_checkoutsession",
    "transactions_batch",
    "transactions_order",
    "smallcases_investment",
    "smallcases_investmentfill",
    "gateway_account",
    "gateway_idempotentrequest",
    "webhooks_event",
    "webhooks_delivery",
    "webhooks_attempt",
    "simulator_simaccount",
    "simulator_simorder",
    "simulator_simtrade",
)
_numbers = count(1)


def measured(*, baskets: int, size: int) -> dict[str, dict[str, float]]:
    """`bytes` per row and `rows` per basket, by table."""
    current_app.conf.task_always_eager = True
    weights = _weights(size)
    with Receiver() as receiver:
        partner = make.partner(webhook_url=receiver.url)
        make.smallcase(weights=weights)
        _play(partner, list(weights), baskets)
        before = _sizes()
        _play(partner, list(weights), baskets)
        after = _sizes()
    added = {name: (after[name][0] - before[name][0], after[name][1] - before[name][1]) for name in GROWING}
    return {
        "bytes": {name: round(size / rows, 1) for name, (size, rows) in added.items()},
        "rows": {name: round(rows / baskets, 2) for name, (_, rows) in added.items()},
    }


def _weights(size: int) -> dict[str, str]:
    """`size` nearly equal weights that sum to 100."""
    tickers = Instrument.objects.filter(tradable=True).order_by("reference_price").values_list("symbol", flat=True)
    each = round(100 / size, 4)
    last = round(100 - each * (size - 1), 4)
    return {ticker: str(each if n < size - 1 else last) for n, ticker in enumerate(tickers[:size])}


def _play(partner: Partner, tickers: list[str], baskets: int) -> None:
    """Every other basket is of a smallcase. Each has its own key, checkout and account."""
    securities = [{"ticker": ticker, "quantity": 10, "type": "BUY"} for ticker in tickers]
    wishes = ({"type": "SECURITIES", "securities": securities}, {"type": "BUY", "scid": "TEST_0001"})
    to_stderr = Console(stderr=True)
    for _ in track(range(baskets), description="Baskets", console=to_stderr, disable=not sys.stderr.isatty()):
        number = next(_numbers)
        transaction_id = _created(partner, wishes[number % 2], key=f"key-{number}")
        make.session(transaction=Transaction.objects.get(transaction_id=transaction_id), now=clock.wall())
        chosen: dict[str, Any] = {"amount": 1_000_000} if number % 2 else {}
        answer = partner.complete(transaction_id, f"rich-{number}", **chosen)
        assert answer.status == 200, answer.body
        partner.advance("PT1S")  # past the broker's latency
        make.sweep()


def _created(partner: Partner, wish: Mapping[str, object], *, key: str) -> str:
    headers = partner.headers(**{"Idempotency-Key": key})
    body = {"intent": "TRANSACTION", "orderConfig": wish}
    answer = partner.call("POST", "/gateway/{gateway}/transaction", body, headers=headers)
    assert answer.status == 200, answer.body
    return str(answer.data["transactionId"])


def _sizes() -> dict[str, tuple[int, int]]:
    """Bytes and rows of each table. Vacuums first, because space that updates freed is reused and is no growth."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        return {name: _size(cursor, name) for name in GROWING}


def _size(cursor: CursorWrapper, table: str) -> tuple[int, int]:
    cursor.execute(f"SELECT pg_total_relation_size('{table}'), (SELECT count(*) FROM {table})")  # our own names
    size, rows = cursor.fetchone() or (0, 0)
    return int(size), int(rows)
