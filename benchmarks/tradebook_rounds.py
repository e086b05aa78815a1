"""One book, staged and timed; Django is set up by the time this is imported."""

import resource
import tempfile
import time
from typing import IO, Final

from django.contrib.auth.models import User
from django.db import connection

from gateway import clock
from gateway.credentials import create_gateway
from tests import make
from transactions.models import Batch, Order
from transactions.tradebook.services.staging import Upload, stage

HEADER: Final = (
    "symbol,trade_date,trade_type,quantity,price,trade_id,order_id,order_execution_time,order_ref,client_id\n"
)
MOST_GROWTH: Final = 64  # MiB
ORDERS: Final = """
    INSERT INTO transactions_order
        (batch_id, position, ref, ticker, side, quantity, order_type, validity, status, filled_quantity, error_code,
         ordered_at, words)
    SELECT %(batch)s, n, 'f' || lpad(to_hex(n), 23, '0'), 'INFY', 'BUY', 10, 'MARKET', 'DAY', 'ERROR', 0,
           'adapterError', now(), '[]'
    FROM generate_series(2, %(last)s) AS n
"""


def bench(trades: int, seconds: float) -> int:
    batch = _orders(min(trades, 30_000))
    client = batch.account.client_id
    user = User.objects.create_user("bench")
    with tempfile.TemporaryFile() as file:
        _write(file, trades, min(trades, 30_000), client)
        peaks: list[int] = []
        began, worked = time.perf_counter(), time.process_time()
        book = stage(
            file,
            upload=Upload("bench.csv", "kite", user),
            now=clock.wall(),
            progress=lambda done, of: peaks.append(_peak()),
        )
        took, worked = time.perf_counter() - began, time.process_time() - worked
    growth = (_peak() - peaks[len(peaks) // 10]) / 1024
    print(f"{trades:,} trades of {sum(book.verdicts.values()):,} orders staged in {took:.1f} s, limit {seconds:.0f} s")
    print(f"{worked:.1f} s of this process's CPU, beside PostgreSQL's")
    print(f"verdicts {book.verdicts}; memory grew by {growth:.0f} MiB after the first tenth, limit {MOST_GROWTH} MiB")
    return int(took > seconds or growth > MOST_GROWTH)


def _orders(count: int) -> Batch:
    now = clock.wall()
    gateway = create_gateway(name="bench", is_test=True, allowed_origins=[], now=now).gateway
    batch = make.queued_batch(gateway=gateway, client_id="bench", now=now)
    with connection.cursor() as cursor:
        cursor.execute(ORDERS, {"batch": batch.pk, "last": count + 1})
    assert Order.objects.filter(status="ERROR").count() == count
    return batch


def _write(file: "IO[bytes]", trades: int, orders: int, client: str) -> None:
    file.write(HEADER.encode())
    day = f"{clock.wall():%Y-%m-%d}"
    for n in range(trades):
        order = n % orders + 2
        ref = f"f{order:023x}"
        line = f"INFY,{day},buy,{1 + n % 3},1500.05,{n},11{order:014},{day}T11:00:00,{ref},{client}\n"
        file.write(line.encode())


def _peak() -> int:
    """KiB, of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
