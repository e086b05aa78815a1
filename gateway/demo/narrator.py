"""What every chapter has: the partner, its webhooks, and a voice that tells what came out or stops."""

from dataclasses import dataclass
from typing import Final

from rich.console import Console

from gateway.demo.partner_client import PartnerClient, Unexpected
from gateway.demo.webhook_receiver import Receiver

ARRIVES_WITHIN: Final = 20.0  # seconds, of a webhook


@dataclass
class Telling:
    partner: PartnerClient
    receiver: Receiver
    out: Console

    def _step(self, text: str) -> None:
        self.out.print(f"   [green]✓[/green] {text}")

    def _check(self, what: str, wanted: object, got: object) -> None:
        """Raises Unexpected."""
        if wanted != got:
            raise Unexpected(what, wanted, got)
