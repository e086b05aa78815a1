"""Orders that their broker has filled but not reported, left for an operator to correct in the console."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Any, Final

from django.core.management import call_command

from gateway.demo.narrator import ARRIVES_WITHIN, Telling
from transactions.domain.statuses import OrderStatus
from transactions.models import Order

# The last order of each basket is never reported. Each is worth less than the amount that needs two people.
BASKETS: Final = {
    "lost-contact-leela": {"ITC": 40, "HDFCBANK": 15},
    "lost-contact-imran": {"WIPRO": 60, "INFY": 25},
}
INVESTOR: Final = "lost-contact-devi"
SCID: Final = "SCMA_0001"
AMOUNT: Final = 60_000
GIVEN_UP_AFTER: Final = "PT10S"
EVENTS: Final = [("order.placed", "PLACED"), ("order.updated", "PLACED"), ("order.updated", "ERROR")]
Shares = Mapping[tuple[str, str], int]  # by client and ticker


@dataclass
class Lost(Telling):
    """The broker never reports these orders, however often it is asked and whatever the clock shows."""

    def play(self) -> None:
        """Raises Unexpected at the first step that differs from the contract."""
        self.out.print("\n[bold]6. Three more orders with an unknown outcome, left for the console[/bold]")
        self.partner.reset_clock()
        self._step("clock reset to the present")
        played = {client: self._play_basket(client, shares) for client, shares in BASKETS.items()}
        played[INVESTOR] = self._play(INVESTOR, self.partner.create_order({"type": "BUY", "scid": SCID}), amount=AMOUNT)
        for batch_id in played.values():
            self.receiver.wait_for(batch_id, lambda hits: len(hits) >= 2, seconds=ARRIVES_WITHIN)
        self.partner.advance_clock(GIVEN_UP_AFTER)
        self._step(f"clock moved forward by {GIVEN_UP_AFTER}: orders without a report end in ERROR")
        lost = {client: self._in_error(client, batch_id) for client, batch_id in played.items()}
        self._compare_books({(client, ticker): shares for client, (ticker, shares) in lost.items()})
        waiting = Order.objects.filter(status=OrderStatus.ERROR).count()
        self._step(f"[bold]{waiting} orders wait at the reconciliation desk[/bold], those of earlier chapters included")

    def _play_basket(self, client: str, shares: Mapping[str, int]) -> str:
        securities = [{"ticker": ticker, "quantity": quantity, "type": "BUY"} for ticker, quantity in shares.items()]
        return self._play(client, self.partner.create(notes="demo 6", securities=securities))

    def _play(self, client: str, transaction_id: str, **user: Any) -> str:
        response = self.partner.play_user(transaction_id, client, wait=0, **user)
        (batch,) = response["orderBatches"]
        return str(batch["batchId"])

    def _in_error(self, client: str, batch_id: str) -> tuple[str, int]:
        """The client's order in ERROR: ticker and shares."""
        hits = self.receiver.wait_for(batch_id, lambda arrived: len(arrived) >= len(EVENTS), seconds=ARRIVES_WITHIN)
        self._check(f"webhooks of {client}", EVENTS, [(hit.event, hit.body["status"]) for hit in hits])
        batch = self.partner.smallcase_orders(batch_id) if client == INVESTOR else self.partner.orders(batch_id)
        statuses = [order["status"] for order in batch["orders"]]
        self._check(f"batch and orders of {client}", ("ERROR", ["COMPLETE", "ERROR"]), (batch["status"], statuses))
        order = batch["orders"][-1]
        self._step(
            f"{client}: BUY {order['quantity']} {order['tradingsymbol']} is in ERROR, the order before it filled"
        )
        return order["tradingsymbol"], order["quantity"]

    def _compare_books(self, lost: Shares) -> None:
        """The broker's tradebook has all shares of the orders; the gateway has no report."""
        printed = StringIO()
        call_command("tradebook", "kite", gateway=self.partner.name, stdout=printed)
        traded: dict[tuple[str, str], int] = {}
        for line in csv.DictReader(StringIO(printed.getvalue())):
            key = line["client_id"], line["symbol"]
            traded[key] = traded.get(key, 0) + int(float(line["quantity"]))
        self._check("the broker's tradebook", dict(lost), {key: traded.get(key) for key in lost})
        self._step("the broker's tradebook (`manage.py tradebook kite`) has all three orders completely filled")
