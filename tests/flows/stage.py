"""The steps that the stories have in common: a basket is played to its end, and told in a few words."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from tests import make
from tests.partner import Answer, Partner
from tests.receiver import Receiver

Json = dict[str, Any]
THREE_BUYS: Final = tuple({"ticker": ticker, "quantity": 10, "type": "BUY"} for ticker in ("INFY", "TCS", "RELIANCE"))


def placed(
    partner: Partner,
    client_id: str = "happy",
    securities: Sequence[Mapping[str, Any]] = THREE_BUYS,
    **user: Any,
) -> Json:
    """The batch as the SDK response shows it, orders just placed."""
    answer = partner.complete(partner.create(securities), client_id, **user)
    assert answer.status == 200, answer.body
    (batch,) = answer.data["orderBatches"]
    return dict(batch)


def later(partner: Partner, batch: Json, *durations: str) -> Json:
    """The batch once what is due has been done, now and after each move of the gateway's clock."""
    make.sweep()
    for duration in durations:
        partner.advance(duration)
        make.sweep()
    (found,) = partner.batches(batchId=batch["batchId"])
    return found


def played(
    partner: Partner,
    client_id: str = "happy",
    securities: Sequence[Mapping[str, Any]] = THREE_BUYS,
    **user: Any,
) -> Json:
    """The batch once nothing more comes by itself: past the unreported limit, then past a late report."""
    return later(partner, placed(partner, client_id, securities, **user), "PT1M", "PT10M")


def connected(partner: Partner, client_id: str = "happy") -> str:
    """The smallcaseAuthId of a user who has connected."""
    made = partner.call("POST", "/gateway/{gateway}/transaction", {"intent": "CONNECT"}).data["transactionId"]
    assert partner.complete(made, client_id).status == 200
    return str(partner.details(made)["smallcaseAuthId"])


def wish_to_cancel(partner: Partner, batch: Json, ticker: str, *, auth_id: str | None) -> Answer:
    body = {"intent": "CANCEL_ORDER", "batchId": batch["batchId"], "ticker": ticker}
    return partner.call("POST", "/gateway/{gateway}/transaction", body, auth_id=auth_id)


def cancelled(partner: Partner, batch: Json, ticker: str, *, auth_id: str, client_id: str = "happy") -> str:
    """The id of a CANCEL_ORDER transaction that its user has gone through."""
    made = str(wish_to_cancel(partner, batch, ticker, auth_id=auth_id).data["transactionId"])
    assert partner.complete(made, client_id, broker=batch["broker"]).status == 200
    return made


def told(batch: Json) -> list[str]:
    """Each order's status and errorCode, then those of the unplaced."""
    return [
        *(" ".join(filter(None, (order["status"], order["errorCode"]))) for order in batch["orders"]),
        *(f"unplaced {order['status']} {order['errorCode']}" for order in batch["unplaced"]),
    ]


def statuses(receiver: Receiver) -> list[str]:
    """The batch's statuses as the webhooks told them, each change once."""
    return [status for status, _ in groupby(hit.json["status"] for hit in receiver.hits)]


def pinned(partner: Partner, ticker: str, price: float) -> None:
    """Overrides the price; every open order is matched against it."""
    assert partner.call("PUT", f"/sandbox/{{gateway}}/prices/{ticker}", {"price": price}).status == 200


def scenarios(partner: Partner) -> Json:
    return dict(partner.call("GET", "/sandbox/{gateway}/scenarios").data)
