"""Requests that fail before the body is checked (size, JSON, path, method, query), and hostile strings."""

from typing import Any, Final

import pytest

from tests.flows.refusal import assert_refused, nothing_written
from tests.partner import Answer, Partner

CREATE: Final = "/gateway/{gateway}/transaction"
DETAILS: Final = "/v1/{gateway}/engine/transactiondetails"
ORDERS: Final = "/v1/{gateway}/engine/orders/sst"
COMPLETE: Final = f"/sandbox/{{gateway}}/transactions/TRX_{'0' * 32}/complete"
ACT: Final = f"/sandbox/{{gateway}}/batches/{'0' * 24}/orders/INFY/act"
CLOCK: Final = "/sandbox/{gateway}/clock"
MARKET: Final = "/sandbox/{gateway}/market"
PRICE: Final = "/sandbox/{gateway}/prices/INFY"
METHODS: Final = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"}
ALLOWED: Final = {
    CREATE: {"POST"},
    DETAILS: {"GET"},
    ORDERS: {"GET"},
    COMPLETE: {"POST"},
    ACT: {"POST"},
    CLOCK: {"GET", "POST"},
    MARKET: {"GET", "POST"},
    PRICE: {"PUT", "DELETE"},
    "/sandbox/{gateway}/scenarios": {"GET"},
}
HARM: Final = {
    "SQL": "'; DROP TABLE transactions_order; --",
    "SQL union": "' UNION SELECT sealed_api_secret FROM gateway_gateway --",
    "HTML": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "template": "{{ 7 * 7 }}{% debug %}${7*7}",
    "format": "%s%n{0}{gateway.sealed_api_secret}",
    "path": "../../../../etc/passwd",
    "shell": "$(touch /tmp/x)`id`|id;id",
    "emoji": "👩‍👩‍👧‍👦🇮🇳",
    "right to left": "\u202egpj.exe\u202c",
    "zero width": "a\u200b\ufeffb",
    "combining": "Z̸̛͎a̴͑l̶g̵o̷",
    "spelt NUL": "\\u0000",
    "line breaks": "a\r\nSet-Cookie: b=c",
}
UNSTORABLE: Final = {"NUL": "a\x00b", "lone high surrogate": "a\ud800b", "lone low surrogate": "\udfff"}
LINE: Final = {"ticker": "INFY", "quantity": 1, "type": "BUY"}


def body(**line: Any) -> dict[str, Any]:
    return {"intent": "TRANSACTION", "orderConfig": {"type": "SECURITIES", "securities": [LINE | line]}}


def within(text: str) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Requests with `text` in a string that has a form of its own."""
    cancel = {"intent": "CANCEL_ORDER", "batchId": "0" * 24, "ticker": "INFY"}
    user = {"broker": "kite", "clientId": "happy"}
    return {
        "intent": ("POST", CREATE, {"intent": text}),
        "orderConfig.type": ("POST", CREATE, {"intent": "TRANSACTION", "orderConfig": {"type": text}}),
        "ticker": ("POST", CREATE, body(ticker=text)),
        "type": ("POST", CREATE, body(type=text)),
        "orderType": ("POST", CREATE, body(orderType=text)),
        "validity": ("POST", CREATE, body(validity=text)),
        "quantity": ("POST", CREATE, body(quantity=text)),
        "a stray field": ("POST", CREATE, body(**{text: 1})),
        "orderLogo": ("POST", CREATE, body() | {"config": {"orderLogo": text}}),
        "batchId": ("POST", CREATE, cancel | {"batchId": text}),
        "cancelled ticker": ("POST", CREATE, cancel | {"ticker": text}),
        "broker": ("POST", COMPLETE, user | {"broker": text}),
        "clientId": ("POST", COMPLETE, user | {"clientId": text}),
        "stopAt": ("POST", COMPLETE, user | {"stopAt": text}),
        "chosen ticker": ("POST", COMPLETE, user | {"securities": [{"ticker": text}]}),
        "action": ("POST", ACT, {"action": text}),
        "errorCode": ("POST", ACT, {"action": "reject", "errorCode": text}),
        "hours": ("POST", MARKET, {"hours": text}),
        "advance": ("POST", CLOCK, {"advance": text}),
        "set": ("POST", CLOCK, {"set": text}),
        "price": ("PUT", PRICE, {"price": text}),
    }


FIELDS: Final = tuple(within(""))
SANDBOX_BODIES: Final[dict[str, tuple[str, str, Any]]] = {
    "no action": ("POST", ACT, {}),
    "unknown action": ("POST", ACT, {"action": "explode"}),
    "quantity 0": ("POST", ACT, {"action": "fill", "quantity": 0}),
    "price 0": ("POST", ACT, {"action": "fill", "price": 0}),
    "no hours": ("POST", MARKET, {}),
    "unknown hours": ("POST", MARKET, {"hours": "bse"}),
    "no move": ("POST", CLOCK, {}),
    "two moves": ("POST", CLOCK, {"advance": "PT1M", "reset": True}),
    "backward": ("POST", CLOCK, {"advance": "-PT1M"}),
    "backward, inside": ("POST", CLOCK, {"advance": "PT-1M"}),
    "no duration": ("POST", CLOCK, {"advance": "1 day"}),
    "beyond ten years": ("POST", CLOCK, {"advance": "P3661D"}),
    "beyond all time": ("POST", CLOCK, {"advance": "P99999999999999D"}),
    "set to the past": ("POST", CLOCK, {"set": "2020-01-01T00:00:00Z"}),
    "set to the first day": ("POST", CLOCK, {"set": "0001-01-01T00:00:00+14:00"}),
    "set to the last day": ("POST", CLOCK, {"set": "9999-12-31T23:59:59-14:00"}),
    "set to no time": ("POST", CLOCK, {"set": 1}),
    "reset a word": ("POST", CLOCK, {"reset": "true"}),
    "no price": ("PUT", PRICE, {}),
    "price 0 pinned": ("PUT", PRICE, {"price": 0}),
    "price off tick": ("PUT", PRICE, {"price": 1500.05}),
    "price a string": ("PUT", PRICE, {"price": "1500"}),
    "amo a word": ("POST", COMPLETE, {"broker": "kite", "clientId": "happy", "amo": "true"}),
    "unknown broker": ("POST", COMPLETE, {"broker": "robinhood", "clientId": "happy"}),
    "unknown stop": ("POST", COMPLETE, {"broker": "kite", "clientId": "happy", "stopAt": "lunch"}),
}


class TestABodyThatIsNotRead:
    @pytest.mark.parametrize("size", [65 * 1024, 64 * 1024 + 1, 1024 * 1024])
    def test_is_too_large(self, caller: Partner, size: int) -> None:
        with nothing_written():
            answer = caller.call("POST", CREATE, b'{"intent": "CONNECT"}'.ljust(size))

        assert_refused(answer, 413, "PayloadTooLarge")

    def test_is_read_at_64_kib(self, caller: Partner) -> None:
        assert caller.call("POST", CREATE, b'{"intent": "CONNECT"}'.ljust(64 * 1024)).status == 200

    @pytest.mark.parametrize(
        "media_type",
        ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "text/json", "nonsense"],
    )
    def test_is_not_json(self, caller: Partner, media_type: str) -> None:
        with nothing_written():
            response = caller.client.post(
                CREATE.replace("{gateway}", caller.name),
                b'{"intent": "CONNECT"}',
                content_type=media_type,
                headers=caller.headers(),
            )

        answer = Answer(response.status_code, response.json(), dict(response.headers))
        assert_refused(answer, 415, "UnsupportedMediaType")

    @pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON"])
    def test_is_read_when_it_is_json(self, caller: Partner, media_type: str) -> None:
        path = CREATE.replace("{gateway}", caller.name)

        response = caller.client.post(path, b'{"intent": "CONNECT"}', content_type=media_type, headers=caller.headers())

        assert response.status_code == 200


class TestAPath:
    @pytest.mark.parametrize(
        "path",
        [
            "/",
            "/gateway",
            "/gateway/{gateway}/transactions",
            "/gateway/{gateway}/transaction//",
            "/gateway/De.mo/transaction",
            "/gateway/a%00b/transaction",
            "/gateway/%F0%9F%98%80/transaction",
            "/gateway/..%2Fadmin/transaction",
            "/v2/{gateway}/engine/orders/sst",
            "/sandbox/{gateway}/transactions/x/complete",
            "/sandbox/{gateway}/batches/x/orders/INFY/act",
            "/sandbox/{gateway}/prices/infy",
            "/favicon.ico",
        ],
    )
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_that_leads_nowhere_is_not_found(self, caller: Partner, path: str, method: str) -> None:
        assert_refused(caller.call(method, path), 404, "NotFound")

    @pytest.mark.parametrize(
        ("path", "method"),
        [(path, method) for path, allowed in ALLOWED.items() for method in sorted(METHODS - allowed)],
    )
    def test_has_its_own_methods(self, caller: Partner, path: str, method: str) -> None:
        answer = caller.call(method, path)

        assert_refused(answer, 405, "MethodNotAllowed")
        assert set(answer.headers["Allow"].split(", ")) >= ALLOWED[path]


class TestAQuery:
    @pytest.mark.parametrize(
        "query",
        [
            {},
            {"transactionId": "a\x00b"},
            {"transactionId": "x" * 65},
            {"batchId": ["0" * 24] * 101},
            *({"batchId": "0" * 24, "count": count} for count in (0, 201, -1, "x", "1.5", "", "9" * 5_000)),
            *({"batchId": "0" * 24, "offset": offset} for offset in (-1, 10_000_001, "x", "1e3")),
        ],
    )
    def test_of_orders_that_is_wrong_is_refused(self, caller: Partner, query: Any) -> None:
        assert_refused(caller.call("GET", ORDERS, query=query), 400, "ValidationError")

    @pytest.mark.parametrize("wait", ["31", "-1", "x", "", "nan", "inf", "1e400"])
    def test_of_waiting_that_is_wrong_is_refused(self, caller: Partner, wait: str) -> None:
        answer = caller.call("POST", COMPLETE, {"broker": "kite", "clientId": "happy"}, query={"wait": wait})

        assert_refused(answer, 400, "ValidationError")
        assert answer.errors[0].startswith("wait: ")


class TestASandboxBody:
    @pytest.mark.parametrize(("method", "path", "wanted"), SANDBOX_BODIES.values(), ids=SANDBOX_BODIES)
    def test_that_is_wrong_is_refused(self, caller: Partner, method: str, path: str, wanted: Any) -> None:
        with nothing_written():
            answer = caller.call(method, path, wanted)

        assert_refused(answer, 400, "ValidationError")


class TestAString:
    @pytest.mark.parametrize("text", HARM.values(), ids=HARM)
    @pytest.mark.parametrize("field", FIELDS)
    def test_without_the_form_of_its_field_is_refused(self, caller: Partner, field: str, text: str) -> None:
        with nothing_written():
            answer = caller.call(*within(text)[field])

        assert_refused(answer, 400, "ValidationError")

    @pytest.mark.parametrize("text", UNSTORABLE.values(), ids=UNSTORABLE)
    @pytest.mark.parametrize("field", [*FIELDS, "notes", "inner notes", "orderName", "pin"])
    def test_that_no_text_can_hold_is_refused(self, caller: Partner, field: str, text: str) -> None:
        free = {
            "notes": ("POST", CREATE, body() | {"notes": text}),
            "inner notes": ("POST", CREATE, {"intent": "CONNECT", "orderConfig": {"notes": text}}),
            "orderName": ("POST", CREATE, body() | {"config": {"orderName": text}}),
            "pin": ("POST", COMPLETE, {"broker": "kite", "clientId": "happy", "pin": text}),
        }

        with nothing_written():
            answer = caller.call(*(within(text) | free)[field])

        assert_refused(answer, 400, "ValidationError")

    @pytest.mark.parametrize("text", HARM.values(), ids=HARM)
    def test_that_is_free_comes_back_as_it_was(self, caller: Partner, text: str) -> None:
        wanted = body() | {"notes": text, "config": {"orderName": text}}
        made = caller.call("POST", CREATE, wanted).data["transactionId"]

        details = caller.details(made)

        assert (details["notes"], details["config"]) == (text, {"orderName": text})
