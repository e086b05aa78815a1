"""The frame of every checkout screen: header, time left, partner and order name."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse

from gateway.http.envelope import Page
from transactions.checkout import browser_binding
from transactions.checkout.pages.screen_policy import logo_of
from transactions.domain.checkout_modes import Mode
from transactions.domain.statuses import TransactionStatus
from transactions.models import CheckoutSession


@dataclass(frozen=True, slots=True)
class Screen:
    """A session at the URL of `token`, at `now` by its gateway's clock."""

    session: CheckoutSession
    token: str
    now: datetime

    @property
    def home(self) -> str:
        return reverse("checkout", kwargs={"token": self.token})

    @property
    def result_code(self) -> str:
        """The code that the window passes on after the login; empty before."""
        is_bound = self.session.login_token_digest is not None
        return browser_binding.result_code(self.token) if is_bound else ""

    @property
    def carried_back(self) -> dict[str, str]:
        """The query of the redirect to the partner's page."""
        carried = {"transactionId": self.session.transaction.transaction_id, "resultCode": self.result_code}
        return {name: value for name, value in carried.items() if value}

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
            "passed_on": self.result_code if self.session.mode != Mode.REDIRECT else "",
            "now": self.now,
            "partner": transaction.gateway.name,
            "order_name": transaction.config.get("orderName", ""),
            "order_logo": logo_of(self.session),
            "is_test": transaction.gateway.is_test,
            "is_waiting": waits,
            "seconds_left": self.seconds_left if waits else None,
        }
