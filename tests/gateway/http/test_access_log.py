"""A line and a count for each request, by route; what a path or a query holds stays out of both."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from gateway.partners.credentials import Credentials
from gateway.telemetry import logs
from tests.counts import counted

TRX = f"TRX_{'a' * 32}"
DETAILS = "v1/<gateway:gateway>/engine/transactiondetails"


class Kept(logging.Handler):
    """Formats as it hears, while what surrounds the record is still known."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logs.Json())
        self.told: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(json.loads(self.format(record)))


@pytest.fixture
def told() -> Iterator[list[dict[str, Any]]]:
    kept, access = Kept(), logging.getLogger("gateway.access")
    access.addHandler(kept)
    yield kept.told
    access.removeHandler(kept)


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


def requests(route: str, method: str, status: str) -> float:
    return counted("gateway_request_seconds_count", route=route, method=method, status=status)


class TestAccess:
    def test_is_a_line_with_the_route_and_what_became_of_it(
        self, client: Client, credentials: Credentials, told: list[dict[str, Any]]
    ) -> None:
        name = credentials.gateway.name
        answer = client.get(f"/v1/{name}/engine/transactiondetails", headers={"Request-Id": "12345678"})

        line = told[0]
        assert line.pop("durationMs") >= 0
        assert line.pop("time")
        assert line.pop("message").startswith(f"GET {DETAILS} 401 ")
        assert told == [
            {
                "level": "INFO",
                "logger": "gateway.access",
                "requestId": "12345678",
                "gateway": name,
                "method": "GET",
                "route": DETAILS,
                "status": 401,
                "bytes": len(answer.content),
            }
        ]

    @pytest.mark.parametrize(
        ("path", "route"),
        [
            (
                f"/sandbox/acme/transactions/{TRX}/complete?token={TRX}",
                "sandbox/<gateway:gateway>/transactions/<trx:transaction_id>/complete",
            ),
            (f"/v1/acme/engine/transactiondetails?transactionId={TRX}", DETAILS),
            (f"/nothing/{TRX}?x={TRX}", "(no route)"),
            (f"/static/{TRX}", "/static/"),
        ],
    )
    def test_names_no_transaction(
        self, client: Client, db: None, told: list[dict[str, Any]], path: str, route: str
    ) -> None:
        client.post(path, headers={"Authorization": TRX})

        assert [line["route"] for line in told] == [route]
        assert TRX not in json.dumps(told)

    @pytest.mark.parametrize(("method", "level"), [("get", "DEBUG"), ("post", "INFO")])
    def test_passes_over_probes_that_went_well(
        self, client: Client, caplog: pytest.LogCaptureFixture, method: str, level: str
    ) -> None:
        caplog.set_level(logging.DEBUG, "gateway.access")

        getattr(client, method)("/healthz")

        assert [record.levelname for record in caplog.records if record.name == "gateway.access"] == [level]

    def test_counts_by_route_method_and_class_of_status(self, client: Client, db: None) -> None:
        before = requests(DETAILS, "GET", "4xx"), requests(DETAILS, "POST", "4xx")

        client.get("/v1/nobody/engine/transactiondetails")
        client.post("/v1/nobody/engine/transactiondetails")

        assert (requests(DETAILS, "GET", "4xx"), requests(DETAILS, "POST", "4xx")) == (before[0] + 1, before[1] + 1)

    def test_counts_methods_nobody_knows_as_one(self, client: Client, db: None) -> None:
        before = requests("healthz", "other", "4xx")

        for method in ("BREW", "PROPFIND"):
            client.generic(method, "/healthz")

        assert requests("healthz", "other", "4xx") == before + 2
