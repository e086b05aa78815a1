"""Partners and their users at work without a pause: what is refused or unanswered is counted, and tried no further."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import requests

from tests.chaos.cast import Member
from tests.partner import Answer
from tests.processes.wire import DistantPartner

PERSONAS: Final = (
    "rich",
    "rich",
    "partial",
    "one-rejected",
    "unmatched",
    "broker-down",
    "partly-placed",
    "lost-contact",
    "late-fill",
    "slow",
    "contradicts",
    "hangs",
    "deaf",
    "repeats",
    "session-ends",
)
BROKERS: Final = ("kite", "groww")
TICKERS: Final = ("INFY", "TCS", "HDFCBANK", "ITC", "RELIANCE", "WIPRO", "SBIN", "AXISBANK")
SCIDS: Final = ("SCMA_0001", "SCSC_0001", "SCMA_0002")
PAUSE_SECONDS: Final = 0.05
# Where nobody answers at all, a partner's server waits a moment, too.
UNANSWERED_SECONDS: Final = 0.25
# A status that a partner need not expect, whatever fails (contract §1).
NEVER: Final = range(500, 600)
BUT: Final = 503


@dataclass
class Account:
    """A user who has invested; what is known of it from the answers."""

    partner: DistantPartner
    client_id: str
    auth_id: str
    iscid: str


@dataclass
class Ledger:
    """What the partners were told. `promised` transactions were answered with their ids, `confirmed` ones with 200."""

    promised: set[str] = field(default_factory=set)
    confirmed: set[str] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    blunders: list[str] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, method: str, path: str, answer: Answer) -> None:
        kind = "200" if answer.status == 200 else f"{answer.status} {answer.error_type}"
        with self.lock:
            self.answers[kind] += 1
            if answer.status in NEVER and answer.status != BUT:
                self.blunders.append(f"{method} {path}: {answer.status} {answer.body}")


class Unanswered(Exception):
    """The connection was refused or cut: the call may have done its work."""


@dataclass
class Load:
    """Users in threads of their own, until they are told to stop."""

    members: Sequence[Member]
    base: str
    seed: int
    users: int
    ledger: Ledger = field(default_factory=Ledger)
    stopping: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)
    trouble: list[BaseException] = field(default_factory=list)

    def __enter__(self) -> "Load":
        for number in range(self.users):
            thread = threading.Thread(target=self._work, args=(random.Random(f"{self.seed} user {number}"),))
            thread.start()
            self.threads.append(thread)
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)

    def _work(self, chance: random.Random) -> None:
        acts: tuple[tuple[Callable[[random.Random], None], int], ...] = (
            (self._basket, 6),
            (self._limit_order, 2),
            (self._invest, 2),
            (self._order_on_it, 5),
            (self._look, 2),
        )
        try:
            while not self.stopping.wait(PAUSE_SECONDS):
                (act,) = chance.choices([act for act, _ in acts], [weight for _, weight in acts])
                self._try(act, chance)
        except BaseException as error:  # noqa: BLE001 - a thread's end would go unseen
            self.trouble.append(error)

    def _try(self, act: Callable[[random.Random], None], chance: random.Random) -> None:
        try:
            act(chance)
        except Unanswered:
            self.ledger.answers["no answer"] += 1
            time.sleep(UNANSWERED_SECONDS)

    def _basket(self, chance: random.Random) -> None:
        tickers = chance.sample(TICKERS, chance.randint(1, 4))
        lines = [
            {"ticker": t, "quantity": chance.randint(1, 50), "type": chance.choice(["BUY", "SELL"])} for t in tickers
        ]
        self._play(self._anyone(chance), basket(lines), self._client(chance), chance)

    def _limit_order(self, chance: random.Random) -> None:
        """Rests for a while, or for ever; some are cancelled by their user."""
        partner = self._anyone(chance)
        lines = [
            {
                "ticker": "INFY",
                "quantity": 10,
                "type": "BUY",
                "orderType": "LIMIT",
                "price": chance.choice([1000, 2000]),
            }
        ]
        played = self._play(partner, basket(lines), "rich-limits", chance)
        batches = (played or {}).get("orderBatches") or []
        if played and batches and chance.random() < 0.7:
            auth_id = self._auth_id(partner, played["transactionId"])
            body = {"intent": "CANCEL_ORDER", "batchId": batches[0]["batchId"], "ticker": "INFY"}
            self._play(partner, body, "rich-limits", chance, auth_id=auth_id)

    def _invest(self, chance: random.Random) -> None:
        partner, client_id = self._anyone(chance), self._client(chance)
        body = {"intent": "TRANSACTION", "orderConfig": {"type": "BUY", "scid": chance.choice(SCIDS)}}
        played = self._play(partner, body, client_id, chance, amount=500_000)
        if played and played.get("iscid"):
            auth_id = self._auth_id(partner, played["transactionId"])
            with self.ledger.lock:
                self.ledger.accounts.append(Account(partner, client_id, auth_id, played["iscid"]))

    def _order_on_it(self, chance: random.Random) -> None:
        with self.ledger.lock:
            accounts = self.ledger.accounts[-40:]
        if not accounts:
            return
        account = chance.choice(accounts)
        orders: list[dict[str, Any]] = [
            {"type": "INVESTMORE", "amount": 300_000},
            {"type": "FIX"},
            {"type": "EXIT", "exit": {"percent": 40}},
            {"type": "EXIT", "exit": {"percent": 100}},
            {"type": "MANAGE", "constituents": [{"ticker": "INFY", "shares": chance.randint(1, 9)}]},
        ]
        body = {"intent": "TRANSACTION", "orderConfig": {"iscid": account.iscid, **chance.choice(orders)}}
        self._play(account.partner, body, account.client_id, chance, auth_id=account.auth_id)

    def _look(self, chance: random.Random) -> None:
        with self.ledger.lock:
            accounts = self.ledger.accounts[-40:]
        if accounts:
            account = chance.choice(accounts)
            path = "/v1/{gateway}/engine/user/investments"
            self._call(account.partner, "GET", path, auth_id=account.auth_id)

    def _play(
        self,
        partner: DistantPartner,
        body: Any,
        client_id: str,
        chance: random.Random,
        *,
        auth_id: str | None = None,
        **user: Any,
    ) -> dict[str, Any] | None:
        """Created and gone through; the SDK response with its transactionId, if there came one."""
        made = self._call(partner, "POST", "/gateway/{gateway}/transaction", body, auth_id=auth_id)
        if made.status != 200:
            return None
        transaction_id = str(made.data["transactionId"])
        self.ledger.promised.add(transaction_id)
        path = f"/sandbox/{{gateway}}/transactions/{transaction_id}/complete"
        user = {"broker": broker_of(client_id), "clientId": client_id, "amo": chance.random() < 0.5, **user}
        done = self._call(partner, "POST", path, user)
        if done.status != 200:
            return None
        self.ledger.confirmed.add(transaction_id)
        return {**done.data, "transactionId": transaction_id}

    def _auth_id(self, partner: DistantPartner, transaction_id: str) -> str:
        path = "/v1/{gateway}/engine/transactiondetails"
        answer = self._call(partner, "GET", path, query={"transactionId": transaction_id})
        if answer.status != 200:
            raise Unanswered
        return str(answer.data["transactionDetails"]["smallcaseAuthId"])

    def _call(self, partner: DistantPartner, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        try:
            answer = partner.call(method, path, body, **more)
        except requests.RequestException as error:
            raise Unanswered from error
        self.ledger.count(method, path, answer)
        if answer.status in {429, BUT}:
            time.sleep(UNANSWERED_SECONDS)
        return answer

    def _anyone(self, chance: random.Random) -> DistantPartner:
        return chance.choice(self.members).on(self.base)

    def _client(self, chance: random.Random) -> str:
        """Three accounts for each persona, so that transactions meet in an account."""
        return f"{chance.choice(PERSONAS)}-{chance.randrange(3)}"


def broker_of(client_id: str) -> str:
    """A user has one broker."""
    return BROKERS[client_id.endswith("-2")]


def basket(lines: Sequence[Any]) -> dict[str, Any]:
    return {"intent": "TRANSACTION", "orderConfig": {"type": "SECURITIES", "securities": list(lines)}}
