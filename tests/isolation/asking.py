"""The operations as the OpenAPI document has them, and a row's request put to one."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.test import Client
from django.urls import URLPattern, URLResolver
from drf_spectacular.generators import SchemaGenerator

from tests import make
from tests.isolation.credentials import WRONG_BY_PLANE, Headers, Wrong
from tests.isolation.rows import CONSOLE, PLACEHOLDER, Row
from tests.isolation.scene import Ids, Scene
from tests.partner import Answer

Json = dict[str, Any]
# What a page in a user's browser shows, beside where it is from.
BROWSERS: Final = frozenset({"AuthToken"})


@dataclass(frozen=True, slots=True)
class Operation:
    method: str
    path: str
    plane: frozenset[str]

    @property
    def wrong(self) -> Mapping[str, Wrong]:
        """Every wrong credential of the row's API, by name."""
        return WRONG_BY_PLANE[self.plane]


def operations() -> dict[str, Operation]:
    """By operationId."""
    document: Json = SchemaGenerator().get_schema(request=None, public=True)
    return {
        told["operationId"]: Operation(method.upper(), path, frozenset(told.get("security", [{}])[0]))
        for path, methods in document["paths"].items()
        for method, told in methods.items()
    }


def paths(resolver: URLResolver, before: str = "/") -> Iterator[str]:
    """Every path of the URL configuration as the document spells it; of the console its root."""
    for found in resolver.url_patterns:
        path = before + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(found.pattern))
        if path.startswith("/^admin/"):  # pages of the console at the last release's addresses: redirects
            continue
        if path == CONSOLE or isinstance(found, URLPattern):
            yield path
        else:
            yield from paths(found, path)


OPERATIONS: Final = operations()


def filled(text: str, ids: Ids, *, gateway: str) -> str:
    names = {
        **ids.by_name,
        "gateway": gateway,
        "tradingsymbol": "INFY",
        "ticker": "INFY",
        "scid": ids.managed,
        "broker": "kite",
    }
    return PLACEHOLDER.sub(lambda found: names[found[1]], text)


def send(row: Row, ids: Ids, headers: Headers, *, gateway: str = "", client: Client | None = None) -> Answer:
    operation = OPERATIONS[row.operation]
    headers = {"Origin": make.SHOP, **headers} if operation.plane == BROWSERS else headers
    sent = (client or Client(raise_request_exception=False)).generic(
        operation.method,
        filled(operation.path, ids, gateway=gateway),
        b"" if row.body is None else filled(json.dumps(row.body), ids, gateway=gateway).encode(),
        content_type="application/json",
        headers=headers,
        query_params={name: filled(value, ids, gateway=gateway) for name, value in row.query.items()},
    )
    return Answer(sent.status_code, sent.json(), dict(sent.headers))


def rightly(row: Row, there: Scene) -> Headers:
    """What the row's caller should hold: a user's token where a guest will not do."""
    if "ManagerToken" in OPERATIONS[row.operation].plane:
        return {"Authorization": f"Token {there.managers['their own']}"}
    return there.mine.partner.headers(auth_id=there.mine.user.auth_id if row.user else None)


def leaked(answer: Answer, *owners: Ids) -> set[str]:
    """What only its owner may see."""
    text = json.dumps([answer.body, answer.headers], ensure_ascii=False)
    return {word for ids in owners for word in ids.private if word in text}


def told(answer: Answer) -> tuple[int, str | None, Any]:
    return answer.status, answer.body.get("errorType"), answer.data
