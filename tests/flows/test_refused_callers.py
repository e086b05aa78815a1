"""Who is not let in, and what is not theirs."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import jwt
import pytest

from gateway import clock
from gateway.tokens import guest_token
from tests import make
from tests.flows import stage
from tests.flows.refusal import assert_refused, nothing_written
from tests.partner import Answer, Partner

CREATE: Final = "/gateway/{gateway}/transaction"
DETAILS: Final = "/v1/{gateway}/engine/transactiondetails"
ORDERS: Final = "/v1/{gateway}/engine/orders/sst"
GUEST: Final = {"guest": True}
SANDBOX: Final = (
    ("POST", f"/sandbox/{{gateway}}/transactions/TRX_{'0' * 32}/complete"),
    ("GET", "/sandbox/{gateway}/market"),
    ("POST", "/sandbox/{gateway}/market"),
    ("GET", "/sandbox/{gateway}/clock"),
    ("POST", "/sandbox/{gateway}/clock"),
    ("PUT", "/sandbox/{gateway}/prices/INFY"),
    ("DELETE", "/sandbox/{gateway}/prices/INFY"),
    ("POST", f"/sandbox/{{gateway}}/batches/{'0' * 24}/orders/INFY/act"),
    ("GET", "/sandbox/{gateway}/scenarios"),
)
PARTNER: Final = (("POST", CREATE), ("GET", DETAILS), ("GET", ORDERS))


def signed(header: dict[str, Any], payload: Any, secret: str) -> str:
    """A token of any shape, its signature HMAC-SHA256 whatever its header says."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, payload)]
    message = b".".join(parts)
    digest = base64.urlsafe_b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).rstrip(b"=")
    return (message + b"." + digest).decode()


def hs256(payload: Any, secret: str) -> str:
    return signed({"alg": "HS256", "typ": "JWT"}, payload, secret)


NOT_A_JWT: Final = "The authtoken is not a JWT."
ALGORITHM: Final = "The authtoken must be signed with HS256."
SIGNATURE: Final = "The authtoken's signature does not match the JWT secret."
SHAPE: Final = "The authtoken's payload must be either"
STRANGER: Final = "The authtoken's smallcaseAuthId is not one of this gateway's users."
EARLY: Final = "The authtoken is not valid yet"
# how the token is made from the JWT secret, and what the refusal begins with
TOKENS: Final[dict[str, tuple[Callable[[str], str], str]]] = {
    "missing": (lambda _: "", "The header x-gateway-authtoken is missing."),
    "garbage": (lambda _: "garbage", NOT_A_JWT),
    "three dots": (lambda _: "...", NOT_A_JWT),
    "not ASCII": (lambda _: "ä.ö.ü", NOT_A_JWT),
    "very long": (lambda _: "a" * 20_000, NOT_A_JWT),
    "expired": (lambda s: guest_token(s, expires_at=clock.wall() - timedelta(1)), "The authtoken has expired."),
    "not yet valid": (lambda s: hs256(GUEST | {"nbf": 9_999_999_999}, s), EARLY),
    "issued in the future": (lambda s: hs256(GUEST | {"iat": 9_999_999_999}, s), EARLY),
    "foreign": (lambda s: guest_token("x" * 43), SIGNATURE),
    "alg none": (lambda _: jwt.encode(GUEST, "", algorithm="none"), ALGORITHM),
    "alg none, signed": (lambda s: signed({"alg": "none"}, GUEST, s), ALGORITHM),
    "RS256-looking": (lambda s: signed({"alg": "RS256", "typ": "JWT"}, GUEST, s), ALGORITHM),
    "HS384": (lambda s: jwt.encode(GUEST, s * 2, algorithm="HS384"), ALGORITHM),
    "HS512": (lambda s: jwt.encode(GUEST, s * 2, algorithm="HS512"), ALGORITHM),
    "alg in lower case": (lambda s: signed({"alg": "hs256"}, GUEST, s), ALGORITHM),
    "no alg": (lambda s: signed({"typ": "JWT"}, GUEST, s), ALGORITHM),
    "alg a list": (lambda s: signed({"alg": ["HS256"]}, GUEST, s), ALGORITHM),
    "alg an object": (lambda s: signed({"alg": {}}, GUEST, s), ALGORITHM),
    "tampered": (lambda s: guest_token(s)[:-4] + "AAAA", SIGNATURE),
    "payload a list": (lambda s: hs256([], s), NOT_A_JWT),
    "payload a number": (lambda s: hs256(1, s), NOT_A_JWT),
    "exp a word": (lambda s: hs256(GUEST | {"exp": "tomorrow"}, s), NOT_A_JWT),
    "exp a list": (lambda s: hs256(GUEST | {"exp": []}, s), NOT_A_JWT),
    "exp null": (lambda s: hs256(GUEST | {"exp": None}, s), NOT_A_JWT),
    "exp beyond time": (lambda s: hs256(GUEST | {"exp": -(10**30)}, s), "The authtoken has expired."),
    "nbf a list": (lambda s: hs256(GUEST | {"nbf": []}, s), NOT_A_JWT),
    "iat an object": (lambda s: hs256(GUEST | {"iat": {}}, s), NOT_A_JWT),
    "of nobody": (lambda s: hs256({}, s), SHAPE),
    "guest false": (lambda s: hs256({"guest": False}, s), SHAPE),
    "guest 1": (lambda s: hs256({"guest": 1}, s), SHAPE),
    "guest and user": (lambda s: hs256(GUEST | {"smallcaseAuthId": "0" * 24}, s), SHAPE),
    "auth id too short": (lambda s: hs256({"smallcaseAuthId": "0" * 23}, s), SHAPE),
    "auth id upper case": (lambda s: hs256({"smallcaseAuthId": "A" * 24}, s), SHAPE),
    "auth id a number": (lambda s: hs256({"smallcaseAuthId": 1}, s), SHAPE),
    "auth id a list": (lambda s: hs256({"smallcaseAuthId": []}, s), SHAPE),
    "auth id unknown": (lambda s: hs256({"smallcaseAuthId": "0" * 24}, s), STRANGER),
}


def create(caller: Partner, headers: dict[str, str]) -> Answer:
    return caller.call("POST", CREATE, {"intent": "CONNECT"}, headers=headers)


class TestAToken:
    @pytest.mark.parametrize(("made", "beginning"), TOKENS.values(), ids=TOKENS)
    def test_that_is_wrong_is_refused(self, caller: Partner, made: Callable[[str], str], beginning: str) -> None:
        with nothing_written():
            answer = create(caller, caller.headers() | {"x-gateway-authtoken": made(caller.jwt_secret)})

        assert_refused(answer, 401, "InvalidJWT")
        assert answer.errors[0].startswith(beginning), answer.errors

    def test_of_another_gateways_user_is_refused(self, partner: Partner) -> None:
        stranger = stage.connected(make.partner())

        with nothing_written():
            answer = create(partner, partner.headers(auth_id=stranger))

        assert_refused(answer, 401, "InvalidJWT")
        assert answer.errors == [STRANGER]

    def test_of_another_gateway_is_refused(self, caller: Partner) -> None:
        answer = create(caller, caller.headers() | {"x-gateway-authtoken": guest_token(make.partner().jwt_secret)})

        assert_refused(answer, 401, "InvalidJWT")
        assert answer.errors == [SIGNATURE]


class TestASecret:
    @pytest.mark.parametrize(
        ("given", "sentence"),
        [
            ("", "The header x-gateway-secret is missing."),
            ("wrong", "x-gateway-secret is not this gateway's API secret."),
            ("ä", "x-gateway-secret is not this gateway's API secret."),
            ("x" * 20_000, "x-gateway-secret is not this gateway's API secret."),
        ],
    )
    def test_that_is_wrong_is_refused(self, caller: Partner, given: str, sentence: str) -> None:
        with nothing_written():
            answer = create(caller, caller.headers() | {"x-gateway-secret": given})

        assert_refused(answer, 401, "InvalidSecret")
        assert answer.errors == [sentence]

    def test_of_another_gateway_is_refused(self, caller: Partner) -> None:
        answer = create(caller, caller.headers() | {"x-gateway-secret": make.partner().api_secret})

        assert_refused(answer, 401, "InvalidSecret")

    def test_is_told_apart_from_the_jwt_secret(self, caller: Partner) -> None:
        answer = create(caller, caller.headers() | {"x-gateway-secret": caller.jwt_secret})

        assert_refused(answer, 401, "InvalidSecret")
        assert answer.errors == ["x-gateway-secret holds the JWT secret; send the API secret there."]
        assert caller.jwt_secret not in str(answer.body)

    def test_is_not_what_signs_tokens(self, caller: Partner) -> None:
        answer = create(caller, caller.headers() | {"x-gateway-authtoken": guest_token(caller.api_secret)})

        assert_refused(answer, 401, "InvalidJWT")
        assert answer.errors == ["The authtoken is signed with the API secret; sign it with the JWT secret."]

    @pytest.mark.parametrize(("method", "path"), [*PARTNER, *SANDBOX])
    def test_is_asked_for_everywhere(self, caller: Partner, method: str, path: str) -> None:
        assert_refused(caller.call(method, path, headers={}), 401, "InvalidSecret")


class TestAGateway:
    @pytest.mark.parametrize(("method", "path"), [*PARTNER, *SANDBOX])
    def test_that_is_unknown_is_not_found(self, caller: Partner, method: str, path: str) -> None:
        answer = caller.call(method, path.replace("{gateway}", "nobody"))

        assert_refused(answer, 404, "InvalidGateway")

    @pytest.mark.parametrize(("method", "path"), SANDBOX)
    def test_that_is_live_has_no_sandbox(self, db: None, method: str, path: str) -> None:
        assert_refused(make.partner(is_test=False).call(method, path), 404, "InvalidGateway")


class TestWhatIsAnothersOrNobodys:
    @pytest.fixture
    def theirs(self, partner: Partner) -> dict[str, Any]:
        """A completed batch of another gateway."""
        return stage.played(make.partner())

    @pytest.mark.parametrize("id_", ["", "TRX_", "x", f"TRX_{'0' * 32}", f"TRX_{'A' * 32}", "\x00", "'; --", "😀"])
    def test_transaction_is_not_found(self, caller: Partner, id_: str) -> None:
        answer = caller.call("GET", DETAILS, query={"transactionId": id_})

        assert_refused(answer, 404, "NotFound")
        assert answer.data == {"code": 3002, "message": "invalid_transactionId"}

    def test_transaction_of_another_gateway_is_not_found(self, partner: Partner, theirs: dict[str, Any]) -> None:
        answer = partner.call("GET", DETAILS, query={"transactionId": theirs["transactionId"]})

        assert_refused(answer, 404, "NotFound")

    def test_transaction_of_another_gateway_cannot_be_played(self, partner: Partner) -> None:
        made = make.partner().create()

        with nothing_written():
            answer = partner.complete(made)

        assert_refused(answer, 404, "NotFound")

    def test_transaction_of_another_user_is_not_found(self, partner: Partner) -> None:
        made = partner.create(auth_id=stage.connected(partner, "happy"))
        other = stage.connected(partner, "happy-2")

        assert_refused(partner.call("GET", DETAILS, auth_id=other, query={"transactionId": made}), 404, "NotFound")

    def test_orders_of_another_gateway_are_passed_over(self, partner: Partner, theirs: dict[str, Any]) -> None:
        assert partner.batches(transactionId=theirs["transactionId"], batchId=theirs["batchId"]) == []

    def test_orders_of_another_user_are_passed_over(self, partner: Partner) -> None:
        batch = stage.played(partner, "happy")
        other = stage.connected(partner, "happy-2")

        assert partner.batches(batchId=batch["batchId"], auth_id=other) == []

    def test_orders_of_no_id_are_passed_over(self, caller: Partner) -> None:
        assert caller.batches(transactionId=["x", "'; --", f"TRX_{'0' * 32}"], batchId=["y", "0" * 24]) == []

    def test_order_of_another_gateway_cannot_be_acted_on(self, partner: Partner, theirs: dict[str, Any]) -> None:
        assert_refused(partner.act(theirs["batchId"], "INFY", "fill"), 404, "NotFound")


class TestAMoment:
    def test_that_has_passed_is_told(self, partner: Partner) -> None:
        made = partner.create()
        partner.complete(made)

        with nothing_written():
            answer = partner.complete(made)

        assert_refused(answer, 409, "TransactionUsed")
        assert answer.data == {"code": 3001, "message": "transaction_expired"}

    def test_after_the_end_is_told(self, partner: Partner) -> None:
        made = partner.create()
        partner.complete(made, stopAt="chooser")

        assert_refused(partner.complete(made), 409, "TransactionUsed")

    def test_of_another_account_ends_a_connected_transaction(self, partner: Partner) -> None:
        made = partner.create(auth_id=stage.connected(partner, "happy"))

        answer = partner.complete(made, "happy-2")

        assert_refused(answer, 409, "UserMismatch")
        assert answer.data == {"code": 1001, "message": "user_mismatch"}
        assert partner.details(made)["status"] == "ERRORED"
