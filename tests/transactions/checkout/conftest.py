"""A partner with an allowed origin, and its user's browser without one."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client

from gateway.models import Gateway
from gateway.partners import clock
from gateway.values.tokens import connected_token, guest_token
from tests import make
from tests.partner import Answer, Partner
from transactions.checkout.browser_binding import challenge_of
from transactions.models import CheckoutSession, Transaction

CHALLENGE = challenge_of(make.VERIFIER)


@dataclass
class Shop:
    """The partner's page, and the checkout that it has opened."""

    partner: Partner
    origin: str = make.SHOP
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    @property
    def gateway(self) -> Gateway:
        return Gateway.objects.get(name=self.partner.name)

    def call(self, path: str, body: Any, *, auth_id: str | None = None, **headers: str) -> Answer:
        secret = self.partner.jwt_secret
        token = connected_token(secret, auth_id=auth_id) if auth_id else guest_token(secret)
        sent = {"x-gateway-authtoken": token, "Origin": self.origin, **headers}
        return self.partner.call("POST", f"/checkout/{{gateway}}/{path}", body, headers=sent)

    def open(self, transaction_id: str, *, auth_id: str | None = None, **door: Any) -> "Visit":
        wanted = {"transactionId": transaction_id, "codeChallenge": CHALLENGE, **door}
        answer = self.call("sessions", wanted, auth_id=auth_id)
        assert answer.status == 200, answer.body
        path = answer.data["url"].removeprefix("http://testserver")
        return Visit(self.client, path, answer.data["sessionId"])

    def outcome(self, visit: "Visit", *, auth_id: str | None = None, left: bool = False, **headers: str) -> Answer:
        """Asked as the page does that opened it, with all that it was passed."""
        asked = {"sessionId": visit.session_id, "codeVerifier": make.VERIFIER, "left": left}
        passed = {"resultCode": visit.passed_on} if visit.passed_on else {}
        return self.call("sessions/outcome", asked | passed, auth_id=auth_id, **headers)


@dataclass
class Visit:
    """A user in a checkout, without JavaScript: every form is followed to the page it leads to.

    `passed_on` is the result code that the window would have passed to the page that opened it.
    """

    client: Client
    path: str
    session_id: str
    passed_on: str = ""

    def see(self, action: str = "", **query: str) -> Any:
        return self.client.get(self.path + action, query)

    def send(self, to: str, **form: str) -> Any:
        return self.client.post(self.path + to, form)

    def text(self, action: str = "", **query: str) -> str:
        return str(self.see(action, **query).content.decode())

    def log_in(self, client_id: str = "happy", *, broker: str = "kite") -> str:
        """The page after it, at the URL that it leads to."""
        self.send("broker", broker=broker)
        answer = self.client.post(self.path + "login", {"account": client_id}, follow=True)
        page = str(answer.content.decode())
        self.path = answer.request["PATH_INFO"].removesuffix("login")
        self.passed_on = page.partition('data-result="')[2].partition('"')[0]
        return page

    def shown(self, page: str | None = None) -> str:
        return (page or self.text()).split('name="shown" value="')[1].split('"')[0]

    def confirm(self, **form: str) -> Any:
        return self.send("confirm", action="confirm", **(form if "shown" in form else form | {"shown": self.shown()}))

    @property
    def session(self) -> CheckoutSession:
        return CheckoutSession.objects.select_related("transaction").get(session_id=self.session_id)

    @property
    def transaction(self) -> Transaction:
        return self.session.transaction


@pytest.fixture
def shop(eager: None) -> Shop:
    made = make.partner()
    Gateway.objects.filter(name=made.name).update(allowed_origins=[make.SHOP])
    return Shop(made)


@pytest.fixture
def visit(shop: Shop) -> Visit:
    """At the chooser, of a basket of two."""
    return shop.open(shop.partner.create())


def moment(shop: Shop) -> Any:
    return clock.now(shop.gateway)
