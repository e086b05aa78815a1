"""A connected user of a partner, with one investment, played through HTTP."""

from typing import Any

from tests import make
from tests.partner import Answer, Partner

Json = dict[str, Any]


class Investor:
    """A connected user of a partner, with one investment."""

    def __init__(self, partner: Partner, *, client_id: str = "happy", amount: int = 100_000) -> None:
        self.partner, self.client_id = partner, client_id
        answer = self.complete(self.create("BUY", scid="TEST_0001", guest=True), amount=amount)
        assert answer.status == 200, answer.body
        self.iscid = str(answer.data["iscid"])
        self.auth_id = str(partner.details(answer.data["transactionId"])["smallcaseAuthId"])

    def create(self, kind: str, *, guest: bool = False, **more: Any) -> str:
        answer = self.try_create(kind, guest=guest, **more)
        assert answer.status == 200, answer.body
        return str(answer.data["transactionId"])

    def try_create(self, kind: str, *, guest: bool = False, **more: Any) -> Answer:
        named = more if "scid" in more else {"iscid": self.iscid, **more}
        body = {"intent": "TRANSACTION", "orderConfig": {"type": kind, **named}}
        auth_id = None if guest else self.auth_id
        return self.partner.call("POST", "/gateway/{gateway}/transaction", body, auth_id=auth_id)

    def complete(self, transaction_id: str, **user: Any) -> Answer:
        """What the SDK answers; afterwards the broker's latency has passed, and what is due is done."""
        answer = self.partner.complete(transaction_id, self.client_id, **user)
        self.partner.advance("PT1S")
        make.sweep()
        return answer

    def order(self, kind: str, *, chosen: Json | None = None, **user: Any) -> Json:
        """The batch of a new order, played to the end."""
        answer = self.complete(self.create(kind, **(chosen or {})), **user)
        assert answer.status == 200, answer.body
        (batch,) = answer.data["orderBatches"]
        return self.batch(batch["batchId"])

    def batch(self, batch_id: str) -> Json:
        (found,) = self.partner.call("GET", "/v1/{gateway}/engine/orders/smt", query={"batchId": batch_id}).data
        return dict(found)

    def investment(self) -> Json:
        query = {"iscid": self.iscid}
        answer = self.partner.call("GET", "/v1/{gateway}/engine/user/investments", auth_id=self.auth_id, query=query)
        assert answer.status == 200, answer.body
        (one,) = answer.data
        return dict(one)

    def shares(self) -> dict[str, int]:
        constituents = self.investment()["investment"]["currentConfig"]["constituents"]
        return {line["ticker"]: line["shares"] for line in constituents}

    def set_up_sip(self, **sip: Any) -> Answer:
        return self.complete(self.errand("SIP_SETUP", iscid=self.iscid), sip=sip)

    def errand(self, intent: str, **named: Any) -> str:
        body = {"intent": intent, **named}
        made = self.partner.call("POST", "/gateway/{gateway}/transaction", body, auth_id=self.auth_id)
        assert made.status == 200, made.body
        return str(made.data["transactionId"])

    def clock(self, moment: str) -> None:
        assert self.partner.call("POST", "/sandbox/{gateway}/clock", {"set": moment}).status == 200
