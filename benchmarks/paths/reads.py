"""Partners' reads: transaction details, order details, investments, against the same bytes from memory.

Two opponents: a bare Django view that has the bytes, and a view that runs the same statements first.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmarks.figures import Row, Target, at_least
from benchmarks.load import request, shoot
from benchmarks.paths.create import partner
from benchmarks.stage import Stage
from benchmarks.web import rivals
from gateway.values.tokens import connected_token
from smallcases.models import Smallcase
from tests.partner import Partner
from tests.processes.wire import DistantPartner

TENFOLD: Final = ("INFY", "TCS", "WIPRO", "HCLTECH", "TECHM", "LTTS", "COFORGE", "PERSISTENT", "MPHASIS", "KPITTECH")
BASKET: Final = tuple({"ticker": ticker, "quantity": 10, "type": "BUY"} for ticker in TENFOLD)
AMOUNT: Final = 5_000_000
MEMORY: Final = "a bare Django view with the same bytes in memory"
BY_HAND: Final = "the same, after the same SQL by hand"


@dataclass(frozen=True, slots=True)
class Read:
    """A request of a partner's server; `auth_id` of a connected user, or none."""

    path: str
    url: str
    query: Mapping[str, str]
    auth_id: str | None = None

    def target(self, partner: Partner) -> str:
        asked = "&".join(f"{name}={value}" for name, value in self.query.items())
        return f"{self.url.replace('{gateway}', partner.name)}?{asked}"

    def request(self, partner: Partner) -> bytes:
        return request("GET", self.target(partner), headers=partner.headers(auth_id=self.auth_id))


@dataclass(frozen=True, slots=True)
class Known:
    body: str
    statements: list[str]


def measure(stage: Stage) -> Iterator[Row]:
    asking = partner()
    port = stage.web()
    reads = _played(stage, asking, port)
    known = [_known(asking, read) for read in reads]
    answers = Path(stage.processes.log).with_name("answers.json")
    answers.write_text(json.dumps([{"body": one.body, "statements": one.statements} for one in known]))
    bare = stage.bare_web(BENCH_ANSWERS=str(answers))
    for number, (read, one) in enumerate(zip(reads, known, strict=True)):
        stage.say(f"{read.path}: {len(one.body.encode()):,} bytes, {len(one.statements)} statements")
        for view, against, target in (("answer", MEMORY, at_least(0.5)), ("queried", BY_HAND, at_least(0.5))):
            theirs = bare, [request("GET", f"/{view}/{number}", headers={})]
            yield _row(
                stage, (port, [read.request(asking)]), theirs, path=f"read {read.path}", against=against, target=target
            )


def _row(
    stage: Stage,
    ours: tuple[int, list[bytes]],
    theirs: tuple[int, list[bytes]],
    *,
    path: str,
    against: str,
    target: Target,
) -> Row:
    met = rivals(stage, ours, theirs)
    tail = met.tails(path=path, against=against, target=target)
    row = met.rates(path=path, against=against, target=target)
    row = replace(row, note=f"{row.note}; p99 {tail.shown} × its p99")
    return row.explained(lambda: stage.profile("web", load=lambda: shoot(*ours, seconds=stage.knobs.seconds + 1)))


def _played(stage: Stage, asking: Partner, port: int) -> list[Read]:
    """Buys a basket of ten and a smallcase through the sandbox, with the necessary workers."""
    distant = DistantPartner(asking.name, asking.api_secret, asking.jwt_secret, base=f"http://127.0.0.1:{port}")
    stage.worker()
    stage.beat()
    basket = distant.complete(distant.create(BASKET), wait=20).data
    answer = distant.complete(distant.create_smallcase("BUY", scid=_scid()), amount=AMOUNT, wait=20)
    assert answer.status == 200, answer.body
    bought = answer.data
    stage.stop("beat", "worker")
    transaction, batch = basket["transactionId"], basket["orderBatches"][0]["batchId"]
    auth_id = _auth_id(distant, bought["transactionId"])
    engine = "/v1/{gateway}/engine"
    return [
        Read("transaction details, ten orders", f"{engine}/transactiondetails", {"transactionId": transaction}),
        Read("order details, ten orders", f"{engine}/orders/sst", {"batchId": batch}),
        Read("investments, one smallcase", f"{engine}/user/investments", {"iscid": bought["iscid"]}, auth_id),
    ]


def _scid() -> str:

    return Smallcase.objects.filter(is_archived=False).order_by("scid")[0].scid


def _auth_id(partner: Partner, transaction_id: str) -> str:
    return str(partner.details(transaction_id)["smallcaseAuthId"])


def _known(partner: Partner, read: Read) -> Known:
    """The web's response, and the statements that it runs."""
    token = connected_token(partner.jwt_secret, auth_id=read.auth_id) if read.auth_id else None
    headers: dict[str, Any] = partner.headers(**({"x-gateway-authtoken": token} if token else {}))
    client = Client(SERVER_NAME="127.0.0.1")
    client.get(read.target(partner), headers=headers)
    with CaptureQueriesContext(connection) as captured:
        response = client.get(read.target(partner), headers=headers)
    assert response.status_code == 200, response.content
    return Known(response.content.decode(), [one["sql"] for one in captured.captured_queries])
