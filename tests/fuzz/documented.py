"""Requests after the OpenAPI document, right ones and wrong ones, each answer put to all of schemathesis' checks."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.generation.overrides import with_config_headers
from schemathesis.schemas import APIOperation

from tests.fuzz.known import Known
from tests.fuzz.ledger import Finding, Ledger
from tests.fuzz.wire import PATIENCE
from tests.test_openapi import ACCEPTED_BY, BEYOND_A_SCHEMA, CONNECTED

REFUSED: Final = ["400", "401", "403", "404", "405", "409", "413", "415", "429"]
EXAMPLES: Final = 20  # of each operation, in a round
Operation = APIOperation[Any, Any, Any, Any]


class Session(requests.Session):
    """Counts what goes over the wire, the checks' own requests included."""

    def __init__(self, ledger: Ledger, on_each: Callable[[], None]) -> None:
        super().__init__()
        self.ledger, self.on_each, self.last = ledger, on_each, b""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        options["timeout"], self.last = PATIENCE, as_sent(request)
        response = super().send(request, **options)
        self.ledger.note("documented", str(response.status_code))
        self.on_each()
        if response.status_code >= 500:
            where = f"{request.method} {request.path_url[:80]}"
            self.ledger.find(Finding(str(response.status_code), where, response.text[:200], self.last))
        return response


def as_sent(request: requests.PreparedRequest) -> bytes:
    body = request.body or b""
    lines = [f"{request.method} {request.path_url} HTTP/1.1", *(f"{n}: {v}" for n, v in request.headers.items())]
    head = "\r\n".join([*lines, "Host: 127.0.0.1", "Connection: close", "", ""]).encode("utf-8", "surrogateescape")
    return head + (body if isinstance(body, bytes) else str(body).encode())


def play(known: Known, ledger: Ledger, *, chance: int, on_each: Callable[[], None]) -> Iterator[None]:
    """A round, in steps: every operation, its examples made from the seed `chance`.

    It begins with another one each time. Last comes what leaves the others nothing to find.
    """
    schema = schemathesis.openapi.from_url(f"{known.base}/api/schema/", config=configured(known))
    found = [one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)]
    at = chance % len(found)
    with Session(ledger, on_each) as session:
        for number, operation in enumerate(sorted(found[at:] + found[:at], key=_wipes)):
            mode = GenerationMode.NEGATIVE if (chance + number) % 2 else GenerationMode.POSITIVE
            _play_operation(operation, mode, session, ledger, chance=chance)
            yield


def _wipes(operation: Operation) -> bool:
    return bool(operation.path.endswith("/reset"))


def configured(known: Known) -> SchemathesisConfig:
    user = {"x-gateway-authtoken": known.user}
    return SchemathesisConfig.from_dict(
        {
            "headers": known.headers,
            "parameters": {
                **{f"path.{name}": value for name, value in known.ids.items()},
                "query.scid": known.ids["scid"],
                "query.wait": 0.1,
            },
            "generation": {"allow-x00": False},
            "operations": [
                *({"include-name": name, **ACCEPTED_BY} for name in BEYOND_A_SCHEMA),
                *({"include-name": name, "headers": user, **ACCEPTED_BY} for name in CONNECTED),
                {
                    "include-name": "GET /v1/{gateway}/engine/transactiondetails",
                    "parameters": {"query.transactionId": known.ids["transaction_id"]},
                },
            ],
            "checks": {"negative_data_rejection": {"expected-statuses": REFUSED}},
        }
    )


def _play_operation(
    operation: Operation, mode: GenerationMode, session: Session, ledger: Ledger, *, chance: int
) -> None:
    fixed = with_config_headers(operation.schema.config, operation=operation)
    cases = operation.as_strategy(generation_mode=mode, **fixed.as_strategy_kwargs())

    @seed(chance)
    @given(case=cases)
    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def each(case: Case[Any]) -> None:
        try:
            case.call_and_validate(session=session, headers=fixed.headers)
        except FailureGroup as group:
            for failure in group.exceptions:
                ledger.find(_finding(operation, failure, session.last))

    with suppress(Unsatisfiable):  # nothing of it can be wrong
        each()


def _finding(operation: Operation, failure: BaseException, sent: bytes) -> Finding:
    kind = failure.title if isinstance(failure, Failure) else type(failure).__name__
    told = " ".join(str(failure).split())[:600]
    return Finding(kind, operation.label, told, sent)
