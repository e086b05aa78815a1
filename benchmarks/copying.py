"""Copies the rows of batches that the gateway wrote, with hand-made SQL: one transaction per batch."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

import psycopg2  # type: ignore[import-untyped]  # it ships no types

CONNECTIONS: Final = 2  # as many as worker processes
COMPLETED: Final = """
    UPDATE transactions_transaction SET status = 'COMPLETED', completed_at = now(), updated_at = now()
    WHERE id = {transaction}
"""


@dataclass(frozen=True, slots=True)
class Part:
    """A table, and the condition for the rows of a batch; `%s` is the batch's id."""

    table: str
    where: str


PARTS: Final = (
    Part("transactions_batch", "id = %s"),
    Part("transactions_order", "batch_id = %s"),
    Part("simulator_simorder", "ref IN (SELECT ref FROM transactions_order WHERE batch_id = %s)"),
    Part(
        "simulator_simtrade",
        "order_id IN (SELECT b.id FROM simulator_simorder b JOIN transactions_order o USING (ref) WHERE batch_id = %s)",
    ),
    Part("webhooks_event", "subject = (SELECT batch_id FROM transactions_batch WHERE id = %s)"),
    Part(
        "webhooks_delivery",
        "event_id IN (SELECT e.id FROM webhooks_event e JOIN transactions_batch b ON e.subject = b.batch_id"
        " WHERE b.id = %s)",
    ),
)


def statements(url: str) -> list[str]:
    """For each batch: INSERTs of all its rows into each table, and the UPDATE that completes its transaction."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id, transaction_id FROM transactions_batch ORDER BY id")
        batches = cursor.fetchall()
        columns = {part.table: _columns(cursor, part.table) for part in PARTS}
        return [
            ";".join(
                [
                    *(_insert(cursor, part, columns[part.table], batch) for part in PARTS),
                    COMPLETED.format(transaction=to),
                ]
            )
            for batch, to in batches
        ]


def forget(url: str) -> None:
    """Deletes all batches and the rows that depend on them."""
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(part.table for part in PARTS)} CASCADE")


def executed(url: str, written: Sequence[str]) -> float:
    """Executes each in its own transaction from CONNECTIONS connections; returns the seconds."""
    shares = [written[n::CONNECTIONS] for n in range(CONNECTIONS)]
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        connections = [psycopg2.connect(url) for _ in shares]
        began = monotonic()
        list(threads.map(_execute, connections, shares))
        took = monotonic() - began
    for connection in connections:
        connection.close()
    return took


def _execute(connection: Any, written: Iterable[str]) -> None:
    with connection.cursor() as cursor:
        for statement in written:
            cursor.execute(statement)
            connection.commit()


def _columns(cursor: Any, table: str) -> list[str]:
    cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table])
    return [name for (name,) in cursor.fetchall()]


def _insert(cursor: Any, part: Part, columns: Sequence[str], batch: int) -> str:
    """Each value as PostgreSQL's text for it, which PostgreSQL also reads."""
    shown = ", ".join(f'"{name}"::text' for name in columns)
    cursor.execute(f"SELECT {shown} FROM {part.table} WHERE {part.where} ORDER BY id", [batch])
    rows = cursor.fetchall()
    one = f"({', '.join(['%s'] * len(columns))})"
    values = ", ".join(cursor.mogrify(one, row).decode() for row in rows)
    names = ", ".join(f'"{name}"' for name in columns)
    return f"INSERT INTO {part.table} ({names}) VALUES {values}" if rows else "SELECT 1"
