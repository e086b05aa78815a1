"""A row of the matrix for each operation: a request that is answered with 200 when it comes with the right credentials.

Method, path and API come from the OpenAPI document. A new operation fails the tests until it has a row here; most
rows are `Row("operationId")`. `{iscid}` and the like, in path, query and body, are filled from the scene's Ids.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.isolation.scene import SCID

Json = dict[str, Any]
PLACEHOLDER: Final = re.compile(r"{([a-z_]+)}")
# Placeholders of what is everybody's, or names the caller itself.
NOBODYS: Final = frozenset({"broker", "gateway", "scid", "ticker", "tradingsymbol"})


@dataclass(frozen=True, slots=True)
class Foreign:
    """How a request is answered that names what is another's: a refusal, or success with just this `data`."""

    status: int
    error_type: str | None = None
    data: Any = None


NOT_FOUND: Final = Foreign(404, "NotFound")
UNKNOWN_TRANSACTION: Final = Foreign(404, "NotFound", {"code": 3002, "message": "invalid_transactionId"})
PASSED_OVER: Final = Foreign(200, data=[])
NO_EVENTS: Final = Foreign(200, data={"events": [], "nextCursor": None})
# What a partner decides for itself is asked for with a guest's token, whosever the id is.
FOR_GUESTS: Final = Foreign(403, "UserMismatch")


@dataclass(frozen=True, slots=True)
class Row:
    """`user`: a guest will not do. `another_gateways`, `another_users`: the answer to their ids.

    The sandbox plays every user of its gateway, so that there another user's ids are the caller's own.
    """

    operation: str
    name: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    user: bool = False
    another_gateways: Foreign | None = None
    another_users: Foreign | None = None

    def __str__(self) -> str:
        return f"{self.operation} {self.name}".strip()


def _create(name: str, body: Json, **more: Any) -> Row:
    return Row("createTransaction", name, body=body, **more)


def _order(kind: str) -> Row:
    body = {"intent": "TRANSACTION", "orderConfig": {"type": kind, "iscid": "{iscid}"}}
    return _create(kind, body, user=True, another_gateways=NOT_FOUND, another_users=NOT_FOUND)


BASKET: Final = {"type": "SECURITIES", "securities": [{"ticker": "INFY", "quantity": 1, "type": "BUY"}]}
VERSION: Final = {
    "label": "Anew",
    "constituents": [{"ticker": "INFY", "weight": 50}, {"ticker": "WIPRO", "weight": 50}],
}
ROWS: Final = (
    _create("SECURITIES", {"intent": "TRANSACTION", "orderConfig": BASKET}),
    _create("BUY", {"intent": "TRANSACTION", "orderConfig": {"type": "BUY", "scid": SCID}}),
    _create("CONNECT", {"intent": "CONNECT"}),
    _order("INVESTMORE"),
    _order("MANAGE"),
    _order("EXIT"),
    _create(
        "SIP_SETUP",
        {"intent": "SIP_SETUP", "iscid": "{iscid}"},
        user=True,
        another_gateways=NOT_FOUND,
        another_users=NOT_FOUND,
    ),
    _create(
        "CANCEL_ORDER",
        {"intent": "CANCEL_ORDER", "batchId": "{batch_id}", "ticker": "INFY"},
        user=True,
        another_gateways=NOT_FOUND,
        another_users=NOT_FOUND,
    ),
    Row(
        "transactionDetails",
        query={"transactionId": "{transaction_id}"},
        another_gateways=UNKNOWN_TRANSACTION,
        another_users=UNKNOWN_TRANSACTION,
    ),
    Row(
        "securitiesOrders",
        "by batch",
        query={"batchId": "{batch_id}"},
        another_gateways=PASSED_OVER,
        another_users=PASSED_OVER,
    ),
    Row(
        "securitiesOrders",
        "by transaction",
        query={"transactionId": "{finished_transaction_id}"},
        another_gateways=PASSED_OVER,
        another_users=PASSED_OVER,
    ),
    Row(
        "smallcaseOrders",
        "by batch",
        query={"batchId": "{smallcase_batch_id}"},
        another_gateways=PASSED_OVER,
        another_users=PASSED_OVER,
    ),
    Row(
        "smallcaseOrders",
        "by investment",
        query={"iscid": "{iscid}"},
        another_gateways=PASSED_OVER,
        another_users=PASSED_OVER,
    ),
    Row("investments", "all", user=True),
    Row(
        "investments",
        "one",
        query={"iscid": "{iscid}"},
        user=True,
        another_gateways=PASSED_OVER,
        another_users=PASSED_OVER,
    ),
    Row("investments", "summed up", query={"aggregatedData": "true"}, user=True),
    Row("exitedSmallcases", user=True),
    Row("statement", query={"iscid": "{iscid}"}, user=True, another_gateways=NOT_FOUND, another_users=NOT_FOUND),
    Row("holdings", "v1", user=True),
    Row("holdings", "v2", query={"version": "v2"}, user=True),
    Row("smallcases"),
    Row("smallcase", query={"scid": SCID}),
    Row("smallcaseChart", query={"scid": SCID}),
    Row("complete", body={"broker": "kite", "clientId": "happy-mine"}, another_gateways=UNKNOWN_TRANSACTION),
    Row("market"),
    Row("setMarket", body={"hours": "closed"}),
    Row("clock"),
    Row("moveClock", body={"advance": "PT1M"}),
    Row("pinPrice", body={"price": 1234.5}),
    Row("unpinPrice"),
    Row("act", body={"action": "reject"}, another_gateways=NOT_FOUND),
    Row("faults"),
    Row("switchFaults", body={"place": "unreachable"}),
    Row("clearFaults"),
    Row("scenarios"),
    Row("reset"),
    Row("webhookEvents", "all"),
    Row(
        "webhookEvents",
        "of a transaction",
        query={"transactionId": "{finished_transaction_id}"},
        another_gateways=NO_EVENTS,
        another_users=NO_EVENTS,
    ),
    Row("replayEvent", another_gateways=NOT_FOUND, another_users=NOT_FOUND),
    Row(
        "replayEvents", "named", body={"eventIds": ["{event_id}"]}, another_gateways=NOT_FOUND, another_users=NOT_FOUND
    ),
    Row("replayEvents", "since", body={"since": "2026-11-20T00:00:00Z"}),
    Row("replayProgress", another_gateways=NOT_FOUND, another_users=NOT_FOUND),
    Row("webhookEndpoints"),
    Row("enableEndpoint", body={}, another_gateways=NOT_FOUND, another_users=FOR_GUESTS),
    Row("sendTestEvent", body={"type": "order.placed"}),
    Row("triggerWebhook", body={"type": "order.placed"}),
    Row(
        "openSession",
        body={"transactionId": "{transaction_id}", "codeChallenge": "c" * 43},
        another_gateways=UNKNOWN_TRANSACTION,
        another_users=UNKNOWN_TRANSACTION,
    ),
    Row(
        "sessionOutcome",
        body={"sessionId": "{session_id}", "left": True},
        another_gateways=NOT_FOUND,
        another_users=NOT_FOUND,
    ),
    Row("rebalances"),
    Row("publishRebalance", "preview", query={"dryRun": "true"}, body=VERSION),
    Row("publishRebalance", body=VERSION),
)
# Paths without a credential of these APIs; each has its own tests.
OPEN: Final = frozenset(
    {
        *("/healthz", "/readyz", "/metrics", "/api/schema/", "/api/docs/", "/demo/"),
        *("/scdk/2.0.0/scdk.js", "/scdk/2.0.0/scdk.d.ts", "/scdk/2.0.0/opening"),
    }
)
# The checkout's screens: a session's token says whose they are (tests/transactions/checkout/test_two_clients.py).
SCREENS: Final = frozenset(
    f"/checkout/s/{{token}}/{step}"
    for step in ("", "broker", "no-broker", "login", "confirm", "status", "mark-complete", "leave", "login-again")
)
CONSOLE: Final = "/admin/"
