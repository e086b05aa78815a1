"""The base of all chapters: the partner, its webhooks, and checks that print a step or stop the story."""

from dataclasses import dataclass
from typing import Final

from rich.console import Console

from gateway.demo.partner_client import PartnerClient, Unexpected
from gateway.demo.webhook_receiver import Receiver

ARRIVES_WITHIN: Final = 20.0  # seconds until a webhook arrives


@dataclass
class Telling:
    partner: PartnerClient
    receiver: Receiver
    out: Console

    def _step(self, text: str) -> None:
        self.out.print(f"   [green]✓[/green] {text}")

    def _check(self, what: str, wanted: object, got: object) -> None:
        """Raises Unexpected if they differ."""
        if wanted != got:
            raise Unexpected(what, wanted, got)
