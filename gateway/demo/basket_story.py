"""Four baskets with four outcomes. Each step is checked against the contract and printed."""

from dataclasses import dataclass
from typing import Any, Final

from rich.table import Table

from gateway.demo.narrator import ARRIVES_WITHIN, Telling
from gateway.demo.webhook_receiver import Webhook


@dataclass(frozen=True, slots=True)
class Chapter:
    """A persona and the contract's outcome: statuses of orders and unplaced orders, events as (type, status)."""

    persona: str
    title: str
    batch: str
    orders: tuple[str, ...]
    unplaced: tuple[str, ...]
    events: tuple[tuple[str, str], ...]
    advance: str = ""


CHAPTERS: Final = (
    Chapter(
        "happy",
        "Everything fills",
        batch="COMPLETED",
        orders=("COMPLETE", "COMPLETE"),
        unplaced=(),
        events=(("order.placed", "PLACED"), ("order.completed", "COMPLETED")),
    ),
    Chapter(
        "partial",
        "The first order fills in part",
        batch="PARTIALLYFILLED",
        orders=("PARTIAL", "COMPLETE"),
        unplaced=(),
        events=(("order.placed", "PLACED"), ("order.completed", "PARTIALLYFILLED")),
    ),
    Chapter(
        "partly-placed",
        "The broker refuses the last order",
        batch="PARTIALLYFILLED",
        orders=("COMPLETE",),
        unplaced=("ERROR",),
        events=(("order.placed", "PARTIALLYPLACED"), ("order.completed", "PARTIALLYFILLED")),
    ),
    Chapter(
        "lost-contact",
        "The broker fills the last order but never reports it",
        batch="ERROR",
        orders=("COMPLETE", "ERROR"),
        unplaced=(),
        events=(("order.placed", "PLACED"), ("order.updated", "PLACED"), ("order.updated", "ERROR")),
        advance="PT10S",
    ),
)


@dataclass
class Story(Telling):
    def play(self) -> None:
        """Raises Unexpected at the first step that differs from the contract."""
        for number, chapter in enumerate(CHAPTERS, start=1):
            self.out.print(f"\n[bold]{number}. {chapter.title}[/bold] (client id [cyan]{chapter.persona}[/cyan])")
            self._chapter(chapter, notes=f"demo {number}")

    def _chapter(self, chapter: Chapter, *, notes: str) -> None:
        transaction_id = self._create(notes)
        batch_id = self._play(chapter, transaction_id)
        if chapter.advance:
            # The last order is never reported; the fill of the order before it is known before the clock moves.
            self.receiver.wait_for(batch_id, lambda hits: len(hits) >= 2, seconds=ARRIVES_WITHIN)
            self.partner.advance_clock(chapter.advance)
            self._step(f"clock moved forward by {chapter.advance}: the order without a report ends in ERROR")
        hits = self._webhooks(chapter, batch_id)
        self._final(chapter, transaction_id, batch_id, hits)

    def _create(self, notes: str) -> str:
        transaction_id = self.partner.create(notes=notes)
        details = self.partner.details(transaction_id)
        self._check("status before the login", "INITIALIZED", details["status"])
        self._check("notes", notes, details["notes"])
        self._step(f"created [cyan]{transaction_id}[/cyan], INITIALIZED, expires {details['expireAt']}")
        return transaction_id

    def _play(self, chapter: Chapter, transaction_id: str) -> str:
        response = self.partner.play_user(transaction_id, chapter.persona, wait=0 if chapter.advance else 20)
        self._check("broker of the SDK response", "kite", response["broker"])
        (batch,) = response["orderBatches"]
        self._step(f"user logged in at kite and confirmed: batch [cyan]{batch['batchId']}[/cyan]")
        return str(batch["batchId"])

    def _webhooks(self, chapter: Chapter, batch_id: str) -> list[Webhook]:
        wanted = len(chapter.events)
        hits = self.receiver.wait_for(batch_id, lambda arrived: len(arrived) >= wanted, seconds=ARRIVES_WITHIN)
        self._check("webhooks", list(chapter.events), [(hit.event, hit.body["status"]) for hit in hits])
        self._check("refused webhooks", [], self.receiver.refused)
        for hit in hits:
            self._step(
                f"webhook {hit.sequence} [green]{hit.event}[/green] {hit.body['status']}: both signatures verified"
            )
        return hits

    def _final(self, chapter: Chapter, transaction_id: str, batch_id: str, hits: list[Webhook]) -> None:
        batch = self.partner.orders(batch_id)
        details = self.partner.details(transaction_id)
        self._check("transaction status", "COMPLETED", details["status"])
        self._check("batch status", chapter.batch, batch["status"])
        self._check("orders", list(chapter.orders), [order["status"] for order in batch["orders"]])
        self._check("unplaced", list(chapter.unplaced), [order["status"] for order in batch["unplaced"]])
        self._check("the SDK response in the details", [batch], details["success"]["orderBatches"])
        self._check("the last webhook's orders", batch["orders"], hits[-1].body["orders"])
        self._step(f"transaction COMPLETED, batch {batch['status']}; API, SDK response and webhook agree")
        self.out.print(_table(batch))


def _table(batch: dict[str, Any]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 3))
    for column, side in (("security", "left"), ("side", "left"), ("status", "left"), ("filled", "right")):
        table.add_column(column, justify="right" if side == "right" else "left")
    table.add_column("average ₹", justify="right")
    table.add_column("errorCode", no_wrap=True)
    for order in [*batch["orders"], *batch["unplaced"]]:
        table.add_row(
            order["tradingsymbol"],
            order["transactionType"],
            order["status"],
            f"{order['filledQuantity']} of {order['quantity']}",
            "" if order["averagePrice"] is None else f"{order['averagePrice']:,.2f}",
            order["errorCode"] or "",
        )
    return table
