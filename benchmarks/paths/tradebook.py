"""Stages a broker's tradebook of a hundred thousand trades, each of one of our orders in ERROR.

Time and memory must depend only on the file: a tenth of it is staged as well, to compare the memory.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from django.contrib.auth.models import User
from django.db import connection

from benchmarks.figures import Row, Side, at_most, interleaved, less_than, ratios
from benchmarks.stage import Stage
from gateway.partners import clock
from gateway.partners.credentials import create_gateway
from tests import make
from tests.servers import ROOT

TRADES: Final = 100_000
NAMED: Final = 30_000  # orders in the tradebook, at most
SILENT: Final = 1_000  # orders without trades
LIMIT: Final = 30  # seconds
CLIENT: Final = "BENCH1"
USER: Final = "bench"
HEADER: Final = (
    "symbol,trade_date,trade_type,quantity,price,trade_id,order_id,order_execution_time,order_ref,client_id\n"
)
ORDERS: Final = """
    INSERT INTO transactions_order
        (batch_id, position, ref, ticker, side, quantity, order_type, validity, status, filled_quantity, error_code,
         exchange_order_id, ordered_at, words)
    SELECT %(batch)s, n, 'f' || lpad(to_hex(n), 23, '0'), 'INFY', 'BUY', 6, 'MARKET', 'DAY', 'ERROR', 0,
           'adapterError', (1100000000000000 + n)::text, now(),
           jsonb_build_array(jsonb_build_object(
               'status', 'OPEN', 'filled_quantity', 0, 'average_price', NULL, 'exchange_order_id', NULL, 'error_code',
               NULL, 'message', 'No answer within 60 s', 'said_at', to_jsonb(now()), 'heard_at', to_jsonb(now())))
    FROM generate_series(2, %(last)s) AS n
"""
AGAIN: Final = "TRUNCATE tradebook_bookrow, tradebook_booktrade, tradebook_tradebook"


@dataclass(frozen=True, slots=True)
class Staged:
    """The output of benchmarks.staging."""

    seconds: float
    worked: float
    peak: float
    steps: int
    verdicts: dict[str, int]


def measure(stage: Stage) -> Iterator[Row]:
    trades = max(1_000, min(TRADES, stage.knobs.of_rows(TRADES)))
    User.objects.create_user(USER)
    _orders()
    whole, tenth = (_book(stage, number) for number in (trades, trades // 10))
    large, small = interleaved(stage.knobs.rounds, lambda: _staged(stage, whole), lambda: _staged(stage, tenth))
    last, path = large[-1], f"a tradebook of {trades:,} trades, staged"
    row = Row(
        path=path,
        against="a limit",
        unit="s",
        figures=tuple(one.seconds for one in large),
        target=less_than(LIMIT),
        sides=(Side("CPU of the process", "s", tuple(one.worked for one in large)),),
        note=f"{last.steps} steps of the progress bar; {_told(last.verdicts)}",
    )
    yield row.explained(lambda: _profile(stage, whole))
    yield Row(
        path=f"{path}: memory",
        against=f"a tradebook of {trades // 10:,}",
        unit="× its peak",
        figures=ratios([one.peak for one in large], [one.peak for one in small]),
        target=at_most(1.2),
        sides=(
            Side(f"{trades:,}", "MB", tuple(one.peak for one in large)),
            Side(f"{trades // 10:,}", "MB", tuple(one.peak for one in small)),
        ),
    )


def _staged(stage: Stage, book: Path) -> Staged:
    """Deletes earlier staged rows first."""
    stage.execute(AGAIN)
    done = subprocess.run(
        _command(book), check=True, cwd=ROOT, env=stage.environment, stdout=subprocess.PIPE, text=True
    )
    told = Staged(**json.loads(done.stdout.splitlines()[-1]))
    stage.say(f"{book.stem} trades: {told.seconds:.1f} s, {told.peak:,.0f} MB at most")
    return told


def _profile(stage: Stage, book: Path) -> str:
    stage.execute(AGAIN)
    stage.start("staging", _command(book))
    told = stage.profile("staging", load=lambda: None)
    stage.stop("staging")
    return told


def _command(book: Path) -> list[str]:
    return [sys.executable, "-m", "benchmarks.staging", str(book), USER]


def _orders() -> None:
    """All in one batch of one client."""
    now = clock.wall()
    gateway = create_gateway(name="bench", is_test=True, allowed_origins=[], now=now).gateway
    batch = make.queued_batch(gateway=gateway, client_id=CLIENT, now=now)
    with connection.cursor() as cursor:
        cursor.execute(ORDERS, {"batch": batch.pk, "last": NAMED + SILENT + 1})
        cursor.execute("VACUUM ANALYZE")


def _book(stage: Stage, trades: int) -> Path:
    path = stage.processes.log.with_name(f"{trades}.csv")
    with path.open("wb") as file:
        _write(file, trades)
    return path


def _write(file: IO[bytes], trades: int) -> None:
    """Each order has several trades, far apart: complete, partial, and too many."""
    file.write(HEADER.encode())
    day, orders = f"{clock.wall():%Y-%m-%d}", min(trades, NAMED)
    for n in range(trades):
        order = n % orders + 2
        ref = f"f{order:023x}"
        line = f"INFY,{day},buy,{1 + n % 3},1500.05,{n},11{order:014},{day}T11:00:00,{ref},{CLIENT}\n"
        file.write(line.encode())


def _told(verdicts: dict[str, int]) -> str:
    return ", ".join(f"{number:,} × {verdict}" for verdict, number in sorted(verdicts.items()))
