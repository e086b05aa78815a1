"""A screen's frame: what every one of them shows beside its own."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.template.loader import render_to_string

from gateway.envelope import Page
from transactions.checkout.guarding import logo_of
from transactions.models import CheckoutSession
from transactions.states import TransactionStatus


@dataclass(frozen=True, slots=True)
class Screen:
    """A session at a moment of its gateway's clock; `home` is its own path."""

    session: CheckoutSession
    home: str
    now: datetime

    def page(self, name: str, *, status: int = 200, **more: Any) -> Page:
        return Page(self.text(name, **more), status=status)

    def text(self, name: str, **more: Any) -> str:
        return render_to_string(f"checkout/{name}.html", {**self._frame(), **more})

    @property
    def seconds_left(self) -> int:
        return int((self.session.transaction.expires_at - self.now).total_seconds())

    def _frame(self) -> dict[str, Any]:
        transaction = self.session.transaction
        waits = transaction.status in {TransactionStatus.INITIALIZED, TransactionStatus.USED}
        return {
            "session": self.session,
            "transaction": transaction,
            "home": self.home,
            "now": self.now,
            "partner": transaction.gateway.name,
            "order_name": transaction.config.get("orderName", ""),
            "order_logo": logo_of(self.session),
            "is_test": transaction.gateway.is_test,
            "is_waiting": waits,
            "seconds_left": self.seconds_left if waits else None,
        }
