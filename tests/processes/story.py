"""One basket of one partner on a running stack, to be interrupted."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from tests.processes.records import check_orders, wait_until_settled
from tests.processes.stack import Stack
from tests.processes.waiting import until
from tests.processes.wire import DistantPartner
from tests.receiver import Hit, Receiver

AT_BROKER = "FROM simulator_simorder s JOIN transactions_order o ON o.ref = s.ref"
STATE = f"""
    SELECT b.status, b.attempts, b.placed_at,
           (SELECT count(*) {AT_BROKER} WHERE o.batch_id = b.id),
           (SELECT count(*) {AT_BROKER} JOIN simulator_simtrade t ON t.order_id = s.id WHERE o.batch_id = b.id)
    FROM transactions_batch b JOIN transactions_transaction t ON t.id = b.transaction_id
    WHERE t.transaction_id = %s
"""


@dataclass(frozen=True, slots=True)
class State:
    """`orders` and `trades` are the broker's."""

    status: str
    attempts: int
    placed_at: datetime | None
    orders: int
    trades: int


@dataclass(frozen=True, slots=True)
class Story:
    stack: Stack
    receiver: Receiver
    partner: DistantPartner
    transaction_id: str

    @contextmanager
    def confirmed(self) -> Iterator[None]:
        """In the background, because the answer waits for the worker."""
        with ThreadPoolExecutor(1) as user:
            answer = user.submit(self.partner.complete, self.transaction_id, "happy")
            until(lambda: self.partner.details(self.transaction_id)["status"] != "INITIALIZED", what="logged in")
            until(lambda: self.partner.details(self.transaction_id)["status"] != "USED", what="confirmed")
            yield
        assert answer.result().status == 200

    def held_at(self, table: str) -> None:
        until(lambda: self.stack.waits_for(table), what=f"held at {table}")

    def state(self) -> State:
        (row,) = self.stack.ask(STATE, self.transaction_id)
        return State(*row)

    def goes_on(self) -> None:
        """Another process starts, and all ends as if nothing had happened."""
        self.stack.revive()
        wait_until_settled(self.stack)
        state = self.state()
        assert (state.status, state.orders, state.trades) == ("COMPLETED", 2, 2)
        check_orders(self.stack)

    def told(self) -> list[str]:
        """Its events as they came, repetitions included."""
        return [f"{hit.headers['x-gateway-sequence']} {hit.event}" for hit in self.hits()]

    def hits(self) -> list[Hit]:
        return [hit for hit in self.receiver.hits if hit.json["transactionId"] == self.transaction_id]
