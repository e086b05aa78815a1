"""What must be true of a gateway's and a broker's records once everything has settled."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from tests.processes.stack import Stack
from tests.processes.waiting import until
from tests.receiver import Hit

UNSETTLED = """
    SELECT (SELECT count(*) FROM transactions_transaction WHERE status <> 'COMPLETED')
         + (SELECT count(*) FROM webhooks_delivery WHERE status = 'DUE')
"""
ORDERS = """
    SELECT o.ref, o.status, o.filled_quantity, s.filled_quantity, count(s.id) OVER (PARTITION BY o.ref),
           (SELECT coalesce(sum(quantity), 0) FROM simulator_simtrade t WHERE t.order_id = s.id)
    FROM transactions_order o FULL JOIN simulator_simorder s ON s.ref = o.ref
"""
FRESH = ("timestamp", "checksum")


def wait_until_settled(stack: Stack, *, seconds: float = 60) -> float:
    """Every transaction COMPLETED and every event delivered; after how many seconds."""
    return until(lambda: stack.ask(UNSETTLED) == [(0,)], seconds=seconds, what="settled")


def check_batches(stack: Stack, transaction_ids: Sequence[str]) -> None:
    """Each transaction has one batch, of two orders."""
    found = stack.ask("""
        SELECT t.transaction_id, count(DISTINCT b.id), count(o.id)
        FROM transactions_transaction t
        LEFT JOIN transactions_batch b ON b.transaction_id = t.id LEFT JOIN transactions_order o ON o.batch_id = b.id
        GROUP BY 1
    """)
    assert sorted(found) == sorted((transaction_id, 1, 2) for transaction_id in transaction_ids)


def check_orders(stack: Stack) -> None:
    """What is placed is at the broker, once; what is unplaced is not; both sides count the same shares."""
    for ref, status, filled, filled_there, times, traded in stack.ask(ORDERS):
        assert (ref, times) == (ref, 0 if status == "UNPLACED" else 1)
        assert (ref, filled, traded) == (ref, filled_there or 0, filled_there or 0)


def check_events(stack: Stack, hits: Sequence[Hit]) -> None:
    """Each at least once, a batch's in their order, and a repetition says the same."""
    heard = by_batch(hits)
    for batch_id, sequence in stack.ask("SELECT batch_id, sequence FROM transactions_batch"):
        numbers = [int(hit.headers["x-gateway-sequence"]) for hit in heard[batch_id]]
        assert (batch_id, numbers) == (batch_id, sorted(numbers))
        assert (batch_id, set(numbers)) == (batch_id, set(range(1, sequence + 1)))
    for said in by_webhook_id(hits).values():
        assert all(body == said[0] for body in said)


def by_batch(hits: Sequence[Hit]) -> dict[str, list[Hit]]:
    heard: dict[str, list[Hit]] = defaultdict(list)
    for hit in hits:
        heard[hit.json["batchId"]].append(hit)
    return heard


def by_webhook_id(hits: Sequence[Hit]) -> dict[str, list[dict[str, Any]]]:
    """Bodies without the parts that differ between attempts."""
    said: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for hit in hits:
        body = {key: value for key, value in hit.json.items() if key not in FRESH}
        said[hit.headers["webhook-id"]].append(body)
    return said


def check_everything(stack: Stack, transaction_ids: Sequence[str], hits: Sequence[Hit]) -> None:
    check_batches(stack, transaction_ids)
    check_orders(stack)
    check_events(stack, hits)
