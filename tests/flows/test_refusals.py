"""A transaction that is not created: each wrong field is named, and nothing is written."""

import json
from typing import Any, Final

import pytest

from brokers.models import Instrument
from tests.flows.refusal import assert_refused, nothing_written
from tests.partner import Partner
from transactions.domain.intents import NOT_SERVED
from transactions.domain.smallcase_order import KINDS

Json = dict[str, Any]
LINE: Final = {"ticker": "INFY", "quantity": 1, "type": "BUY"}
LIMIT: Final = LINE | {"orderType": "LIMIT", "price": 1500}
STOP: Final = LINE | {"orderType": "SLM", "triggerPrice": 1500}
NOT_A_STRING: Final = [1, 1.5, True, [], {}, ["x"], {"x": 1}]
NOT_A_WORD: Final = [*NOT_A_STRING, None, "", " ", "x"]
NOT_A_NUMBER: Final = ["10", "", True, False, None, [], {}]
NOT_AN_OBJECT: Final = ["x", "", 1, 1.5, True, None, [], [{}]]
NOT_A_PRICE: Final = [*NOT_A_NUMBER, 0, -1, 0.001, 1500.001, 10**12, 1e300, 10**4000]


def body(line: Any = LINE, **order: Any) -> Json:
    return {"intent": "TRANSACTION", "orderConfig": {"type": "SECURITIES", "securities": [line], **order}}


def basket(*lines: Json) -> Json:
    return body(securities=list(lines))


def cancel(**fields: Any) -> Json:
    return {"intent": "CANCEL_ORDER", "batchId": "0" * 24, "ticker": "INFY"} | fields


S: Final = "orderConfig.securities"
# what the sentence names → the bodies for which it must
WRONG_TYPES: Final[dict[str, list[Any]]] = {
    "intent": [{"intent": value} for value in NOT_A_WORD],
    "notes": [body() | {"notes": value} for value in NOT_A_STRING],
    "config": [body() | {"config": value} for value in NOT_AN_OBJECT],
    "config.orderName": [body() | {"config": {"orderName": value}} for value in [*NOT_A_STRING, None, "x" * 81]],
    "config.orderLogo": [
        body() | {"config": {"orderLogo": value}}
        for value in [
            *NOT_A_WORD,
            "http://x.example/a.png",
            "javascript:alert(1)",
            "https://",
            "https://x/" + "y" * 500,
        ]
    ],
    "orderConfig": [{"intent": "TRANSACTION", "orderConfig": value} for value in NOT_AN_OBJECT],
    "orderConfig.type": [body(type=value) for value in NOT_A_WORD],
    "orderConfig.notes": [body(notes=value) for value in NOT_A_STRING],
    S: [body(securities=value) for value in [{}, "INFY", "", 1, None, True, []]],
    f"{S}[0]": [body(value) for value in NOT_AN_OBJECT],
    f"{S}[0].ticker": [body(LINE | {"ticker": value}) for value in [*NOT_A_WORD, "infy", " INFY", "INFY\n", "A" * 21]],
    f"{S}[0].quantity": [
        body(LINE | {"quantity": value}) for value in [*NOT_A_NUMBER, 0, -1, 1_000_001, 1.5, 1.0, 10**400]
    ],
    f"{S}[0].type": [body(LINE | {"type": value}) for value in [*NOT_A_WORD, "buy", "BUY "]],
    f"{S}[0].orderType": [body(LINE | {"orderType": value}) for value in [*NOT_A_WORD, "limit", "SL-M"]],
    f"{S}[0].validity": [body(LINE | {"validity": value}) for value in [*NOT_A_WORD, "day", "GTC"]],
    f"{S}[0].price": [body(LIMIT | {"price": value}) for value in NOT_A_PRICE],
    f"{S}[0].triggerPrice": [body(STOP | {"triggerPrice": value}) for value in NOT_A_PRICE],
    "batchId": [cancel(batchId=value) for value in [*NOT_A_WORD, "0" * 23, "0" * 25, "A" * 24, "g" * 24]],
    "ticker": [cancel(ticker=value) for value in NOT_A_WORD],
}
WRONG_TOGETHER: Final[dict[str, tuple[Any, str]]] = (
    {
        "nothing": ({}, "intent: "),
        "no basket": ({"intent": "TRANSACTION"}, "orderConfig.type: "),
        "no type": ({"intent": "TRANSACTION", "orderConfig": {"securities": [LINE]}}, "orderConfig.type: "),
        "no securities": ({"intent": "TRANSACTION", "orderConfig": {"type": "SECURITIES"}}, f"{S}: "),
        "unknown ticker": (body(LINE | {"ticker": "NOSUCH"}), f"{S}[0].ticker: "),
        "unknown ticker, second": (basket(LINE, LINE | {"ticker": "NOSUCH"}), f"{S}[1].ticker: "),
        "101 securities": (basket(*({"ticker": f"T{n}"} for n in range(101))), f"{S}: "),
        "quantity for some": (basket(LINE, {"ticker": "TCS", "type": "BUY"}), f"{S}: "),
        "type for some": (basket(LINE, {"ticker": "TCS", "quantity": 1}), f"{S}: "),
        "ticker twice": (basket(LINE, LINE), f"{S}: "),
        "ticker twice, side open": (basket({"ticker": "INFY"}, {"ticker": "INFY"}), f"{S}: "),
        "misspelt field": (body(LINE | {"qty": 1}), f"{S}[0].qty: "),
        "off-tick price": (body(LIMIT | {"price": 1500.05}), f"{S}[0].price: "),
        "off-tick trigger": (body(STOP | {"triggerPrice": 1500.05}), f"{S}[0].triggerPrice: "),
        "LIMIT without price": (body(LINE | {"orderType": "LIMIT"}), f"{S}[0].price: "),
        "SL without price": (body(LINE | {"orderType": "SL", "triggerPrice": 1500}), f"{S}[0].price: "),
        "SL without trigger": (body(LIMIT | {"orderType": "SL"}), f"{S}[0].triggerPrice: "),
        "SLM without trigger": (body(LINE | {"orderType": "SLM"}), f"{S}[0].triggerPrice: "),
        "SLM with price": (body(STOP | {"price": 1500}), f"{S}[0].price: "),
        "MARKET with price": (body(LINE | {"price": 1500}), f"{S}[0].price: "),
        "MARKET with trigger": (body(LINE | {"triggerPrice": 1500}), f"{S}[0].triggerPrice: "),
        "257 characters of notes": (body() | {"notes": "x" * 257}, "notes: "),
        "257 characters of inner notes": (body(notes="x" * 257), "orderConfig.notes: "),
        "two different notes": (body(notes="a") | {"notes": "b"}, "notes: "),
        "with scid": (body(scid="SCNM_0001"), "orderConfig.scid: "),
        "with iscid": (body(iscid="0" * 24), "orderConfig.iscid: "),
        "with amount": (body(amount=1000), "orderConfig.amount: "),
        "with exit": (body(exit={"percent": 50}), "orderConfig.exit: "),
        "with constituents": (body(constituents=[]), "orderConfig.constituents: "),
        "CANCEL_ORDER of nothing": ({"intent": "CANCEL_ORDER"}, "batchId: "),
        "CANCEL_ORDER of no ticker": ({"intent": "CANCEL_ORDER", "batchId": "0" * 24}, "ticker: "),
        "unknown intent": ({"intent": "FROBNICATE"}, "intent: must be one of"),
        "intent in lower case": ({"intent": "transaction"}, "intent: must be one of"),
    }
    | {
        f"order type {kind} of nothing": (
            {"intent": "TRANSACTION", "orderConfig": {"type": kind}},
            f"orderConfig.{'scid' if kind == 'BUY' else 'iscid'}: is required.",
        )
        for kind in sorted(KINDS)
    }
    | {
        f"order type {kind} with securities": (
            body(type=kind, iscid="0" * 24),
            "orderConfig.iscid: is not allowed with securities.",
        )
        for kind in sorted(KINDS)
    }
    | {f"{intent} of nothing": ({"intent": intent}, "iscid: is required") for intent in ("SIP_SETUP", "CANCEL_AMO")}
    | {f"intent {intent}": ({"intent": intent}, f"intent: {intent} is not supported.") for intent in sorted(NOT_SERVED)}
)
NOT_JSON: Final[dict[str, bytes]] = {
    "cut short": b'{"intent": "CONNECT"',
    "two bodies": b'{"intent": "CONNECT"}{}',
    "a comma too many": b'{"intent": "CONNECT",}',
    "NaN": b'{"intent": "CONNECT", "notes": NaN}',
    "Infinity": b'{"intent": "CONNECT", "notes": -Infinity}',
    "not UTF-8": b'{"intent": "CONNECT", "notes": "\xff"}',
    "UTF-16": json.dumps({"intent": "CONNECT"}).encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + b'{"intent": "CONNECT"}',
    "raw NUL": b'{"intent": "CONNECT", "notes": "\x00"}',
    "raw surrogate": b'{"intent": "CONNECT", "notes": "\xed\xa0\x80"}',
    "bottomless list": b"[" * 60_000,
    "bottomless object": b'{"a":' * 12_000,
    "an integer of 60,000 digits": b'{"intent": ' + b"9" * 60_000 + b"}",
    "a form": b"intent=CONNECT",
    "HTML": b"<html>",
}


def create(caller: Partner, wanted: Any) -> Any:
    return caller.call("POST", "/gateway/{gateway}/transaction", wanted)


class TestAWrongBody:
    @pytest.mark.parametrize(
        ("field", "wanted"),
        [
            pytest.param(field, wanted, id=f"{field}-{number}")
            for field, bodies in WRONG_TYPES.items()
            for number, wanted in enumerate(bodies)
        ],
    )
    def test_has_its_field_named(self, caller: Partner, field: str, wanted: Any) -> None:
        with nothing_written():
            answer = create(caller, wanted)

        assert_refused(answer, 400, "ValidationError")
        assert [sentence.split(": ")[0] for sentence in answer.errors] == [field]

    @pytest.mark.parametrize(("wanted", "beginning"), WRONG_TOGETHER.values(), ids=WRONG_TOGETHER)
    def test_gets_its_error(self, caller: Partner, wanted: Any, beginning: str) -> None:
        with nothing_written():
            answer = create(caller, wanted)

        assert_refused(answer, 400, "ValidationError")
        assert answer.errors[0].startswith(beginning), answer.errors

    @pytest.mark.parametrize("sent", NOT_JSON.values(), ids=NOT_JSON)
    def test_that_is_not_json_is_refused(self, caller: Partner, sent: bytes) -> None:
        with nothing_written():
            answer = create(caller, sent)

        assert_refused(answer, 400, "ValidationError")
        assert answer.errors == ["The body is not JSON."]

    @pytest.mark.parametrize("sent", [b"null", b"[]", b'"CONNECT"', b"1", b"true", b"[{}]"])
    def test_that_is_no_object_is_refused(self, caller: Partner, sent: bytes) -> None:
        with nothing_written():
            answer = create(caller, sent)

        assert_refused(answer, 400, "ValidationError")

    def test_with_a_number_beyond_all_floats_is_refused(self, caller: Partner) -> None:
        endless = json.dumps(body(LIMIT)).replace("1500", "1e400").encode()

        with nothing_written():
            answer = create(caller, endless)

        assert_refused(answer, 400, "ValidationError")

    def test_gets_all_errors_at_once(self, caller: Partner) -> None:
        wanted = basket(LINE | {"ticker": "NOSUCH"}, LIMIT | {"ticker": "TCS", "price": 0.01}) | {"notes": "a"}

        answer = create(caller, wanted)

        assert [sentence.split(": ")[0] for sentence in answer.errors] == [f"{S}[0].ticker", f"{S}[1].price"]

    def test_of_a_security_that_cannot_be_traded_is_refused(self, caller: Partner) -> None:
        Instrument.objects.filter(symbol="INFY").update(tradable=False)

        with nothing_written():
            answer = create(caller, body())

        assert_refused(answer, 400, "ValidationError")
        assert answer.errors == [f"{S}[0].ticker: cannot be traded now."]


class TestABodyAtTheLimit:
    @pytest.mark.parametrize(
        "wanted",
        [
            body(LINE | {"quantity": 1_000_000}),
            body(LIMIT | {"price": 1500.1}),
            body() | {"notes": "x" * 256},
            body() | {"notes": "😀" * 256},
            body() | {"notes": None},
            body() | {"notes": ""},
            body(notes="a") | {"notes": "a"},
            basket(LINE, LINE | {"type": "SELL"}),
            basket({"ticker": "INFY"}, {"ticker": "TCS"}),
            body() | {"config": {"orderName": "x" * 80, "orderLogo": "https://x.example/a.png?b=c"}},
        ],
    )
    def test_is_taken(self, caller: Partner, wanted: Any) -> None:
        assert create(caller, wanted).status == 200

    def test_of_a_hundred_securities_is_taken(self, caller: Partner) -> None:
        symbols = Instrument.objects.values_list("symbol", flat=True)[:100]

        assert create(caller, basket(*({"ticker": symbol} for symbol in symbols))).status == 200
