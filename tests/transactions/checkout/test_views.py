"""The Browser API: which pages may ask, what they are told, and what they never are."""

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client

from gateway.models import Gateway
from gateway.partners import clock
from gateway.values.tokens import guest_token
from tests import make
from tests.flows import stage
from tests.transactions.checkout.conftest import CHALLENGE, Shop, Visit
from transactions.models import CheckoutSession, Transaction

ELSEWHERE = "https://evil.example"
CORS = "Access-Control-Allow-Origin"


def preflight(shop: Shop, origin: str, *, path: str = "sessions") -> Any:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-gateway-authtoken"}
    return Client().options(f"/checkout/{shop.partner.name}/{path}", headers={"Origin": origin, **asked})


class TestAnAllowedPage:
    def test_is_let_through_by_the_preflight(self, shop: Shop) -> None:
        answer = preflight(shop, shop.origin)

        assert (answer.status_code, answer[CORS], answer["Vary"]) == (204, shop.origin, "Origin")
        assert answer["Access-Control-Allow-Headers"] == (
            "content-type, idempotency-key, request-id, x-gateway-authtoken"
        )
        assert "Access-Control-Allow-Credentials" not in answer.headers

    def test_opens_a_checkout_at_an_unguessable_address(self, shop: Shop) -> None:
        answer = shop.call("sessions", {"transactionId": shop.partner.create(), "codeChallenge": CHALLENGE})

        assert set(answer.data) == {"sessionId", "url", "expireAt", "now"}
        assert len(answer.data["url"].removeprefix("http://testserver/checkout/s/").rstrip("/")) == 43
        assert (answer.headers[CORS], answer.headers["Cache-Control"]) == (shop.origin, "no-store")
        assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"].split(", ")

    def test_reads_why_it_was_refused(self, shop: Shop) -> None:
        answer = shop.call("sessions", {"transactionId": "TRX_" + "0" * 32, "codeChallenge": CHALLENGE})

        assert (answer.status, answer.data) == (404, {"code": 3002, "message": "invalid_transactionId"})
        assert answer.headers[CORS] == shop.origin

    def test_gets_the_error_of_a_used_transaction(self, shop: Shop) -> None:
        made = shop.partner.create()
        assert shop.partner.complete(made).status == 200

        answer = shop.call("sessions", {"transactionId": made, "codeChallenge": CHALLENGE})

        assert (answer.status, answer.data["code"]) == (409, 3001)

    def test_gets_the_error_of_an_expired_transaction(self, shop: Shop) -> None:
        made = shop.partner.create()
        shop.partner.advance("PT16M")

        answer = shop.call("sessions", {"transactionId": made, "codeChallenge": CHALLENGE})

        assert (answer.status, answer.data["code"]) == (409, 3001)

    @pytest.mark.parametrize(
        ("body", "sentence"),
        [
            ({}, "transactionId: This field is required."),
            ({}, "codeChallenge: This page uses an old scdk.js. Reload the page."),
            (
                {"codeChallenge": "x" * 42},
                "codeChallenge: must be the base64url SHA-256 of a codeVerifier, 43 characters",
            ),
            ({"codeChallenge": "x" * 42 + "="}, "codeChallenge: must be the base64url SHA-256 of a codeVerifier, 43 "),
            ({"codeChallenge": None}, "codeChallenge: This field may not be null."),
            ({"mode": "window"}, "mode: must be one of popup, frame, redirect."),
            ({"mode": "redirect"}, "redirectUrl: is required for mode redirect."),
            ({"redirectUrl": "https://shop.example/"}, "redirectUrl: is allowed only for mode redirect."),
            ({"brokers": "kite"}, "brokers: "),
            ({"amo": "true"}, "amo: must be true or false."),
        ],
    )
    def test_shows_what_is_wrong(self, shop: Shop, body: dict[str, Any], sentence: str) -> None:
        named = {"transactionId": shop.partner.create(), "codeChallenge": CHALLENGE} if body else {}

        answer = shop.call("sessions", {**named, **body})

        assert answer.status == 400
        assert any(told.startswith(sentence) for told in answer.errors), answer.errors
        assert not CheckoutSession.objects.exists()

    @pytest.mark.parametrize(
        "url",
        [
            "https://evil.example/",
            "https://shop.example.evil.example/",
            "https://shop.example@evil.example/",
            "https://shop.example\\@evil.example/",
            "//shop.example/",
            "/back",
            "javascript:alert(1)//shop.example",
            "https://shop.example:444/",
            "http://shop.example/",
            "https://[shop.example/",
        ],
    )
    def test_redirects_to_allowed_origins_only(self, shop: Shop, url: str) -> None:
        made = shop.partner.create()

        door = {"codeChallenge": CHALLENGE, "mode": "redirect", "redirectUrl": url}
        answer = shop.call("sessions", {"transactionId": made, **door})

        assert (answer.status, answer.errors) == (
            400,
            ["redirectUrl: must be a page on an allowed origin, or an address of an allowed app."],
        )

    def test_that_sends_its_key_again_gets_the_same_checkout(self, shop: Shop) -> None:
        wanted = {"transactionId": shop.partner.create(), "codeChallenge": CHALLENGE}

        first, second = (shop.call("sessions", wanted, **{"Idempotency-Key": "4711"}) for _ in range(2))

        assert second.data == first.data
        assert second.headers["Idempotency-Replayed"] == "true"
        assert CheckoutSession.objects.count() == 1

    def test_uses_up_nothing_of_what_the_partners_server_may_ask(self, shop: Shop, settings: Any) -> None:
        settings.RATE_LIMIT_BROWSER = "2/minute"
        settings.RATE_LIMIT_GATEWAY = "4/minute"
        unknown = {"transactionId": "TRX_" + "0" * 32, "codeChallenge": CHALLENGE}

        with time_machine.travel(datetime(2026, 11, 20, 6, tzinfo=UTC), tick=False):
            statuses = [shop.call("sessions", unknown).status for _ in range(3)]
            limited = shop.call("sessions", unknown)
            mine = shop.partner.call("GET", "/v1/{gateway}/engine/smallcases")

        assert statuses == [404, 404, 429]
        assert (limited.error_type, limited.headers[CORS]) == ("RateLimited", shop.origin)
        assert (mine.status, mine.headers["RateLimit-Remaining"]) == (200, "3")

    @pytest.mark.parametrize(
        ("method", "status", "error_type"),
        [("GET", 405, "MethodNotAllowed"), ("PUT", 405, "MethodNotAllowed"), ("OPTIONS", 405, "MethodNotAllowed")],
    )
    def test_is_answered_in_the_envelope_whatever_it_does(
        self, shop: Shop, method: str, status: int, error_type: str
    ) -> None:
        headers = {"x-gateway-authtoken": guest_token(shop.partner.jwt_secret), "Origin": shop.origin}

        answer = Client().generic(method, f"/checkout/{shop.partner.name}/sessions", headers=headers)

        assert (answer.status_code, answer.json()["errorType"]) == (status, error_type)
        assert answer[CORS] == shop.origin


class TestAnyOtherPage:
    def test_gets_nothing_from_the_preflight(self, shop: Shop) -> None:
        answer = preflight(shop, ELSEWHERE)

        assert CORS not in answer.headers
        assert "Access-Control-Allow-Headers" not in answer.headers

    @pytest.mark.parametrize(
        "origin", [ELSEWHERE, "", "null", "https://shop.example.evil.example", "HTTPS://SHOP.EXAMPLE"]
    )
    def test_is_refused_and_can_read_nothing(self, shop: Shop, origin: str) -> None:
        made = shop.partner.create()

        answer = shop.call("sessions", {"transactionId": made}, Origin=origin)

        assert (answer.status, answer.error_type) == (403, "InvalidGateway")
        assert CORS not in answer.headers
        assert not CheckoutSession.objects.exists()

    def test_learns_no_outcome_from_a_session_id(self, shop: Shop, visit: Visit) -> None:
        Gateway.objects.update(allowed_origins=[make.SHOP, "https://other.example"])

        answer = shop.call("sessions/outcome", {"sessionId": visit.session_id}, Origin="https://other.example")

        assert (answer.status, answer.error_type) == (404, "NotFound")

    def test_of_another_gateway_learns_none_either(self, shop: Shop, visit: Visit) -> None:
        other = Shop(make.partner())
        Gateway.objects.update(allowed_origins=[make.SHOP])

        answer = other.outcome(visit)

        assert answer.status == 404


class TestATokenThatIsWrong:
    @pytest.mark.parametrize("token", ["x", "a.b.c"])
    def test_is_401(self, shop: Shop, token: str) -> None:
        answer = shop.call("sessions", {"transactionId": shop.partner.create()}, **{"x-gateway-authtoken": token})

        assert (answer.status, answer.error_type) == (401, "InvalidJWT")

    def test_of_another_user_finds_nothing(self, shop: Shop) -> None:
        mine, theirs = stage.connected(shop.partner, "happy-mine"), stage.connected(shop.partner, "happy-theirs")
        made = shop.partner.create(auth_id=theirs)

        answer = shop.call("sessions", {"transactionId": made, "codeChallenge": CHALLENGE}, auth_id=mine)

        assert (answer.status, answer.data["code"]) == (404, 3002)


class TestAnOutcome:
    def test_is_open_until_something_happens(self, shop: Shop, visit: Visit) -> None:
        told = shop.outcome(visit).data

        assert told == {"state": "open", "settled": True, "response": None, "error": None}

    def test_of_a_closed_window_ends_the_transaction(self, shop: Shop, visit: Visit) -> None:
        told = shop.outcome(visit, left=True).data

        assert (told["state"], told["error"]) == ("failed", {"code": 1010, "message": "user_cancelled"})
        assert visit.transaction.error_code == 1010

    def test_after_the_login_says_who_it_was(self, shop: Shop, visit: Visit) -> None:
        visit.log_in()

        error = shop.outcome(visit, left=True).data["error"]

        assert (error["code"], error["broker"]) == (1012, "kite")
        assert error["smallcaseAuthToken"].count(".") == 2

    def test_after_the_confirmation_is_the_response_so_far(self, shop: Shop, visit: Visit) -> None:
        visit.log_in("slow")
        visit.confirm()

        told = shop.outcome(visit, left=True).data

        assert (told["state"], told["settled"]) == ("done", True)
        assert told["response"]["orderBatches"][0]["status"] == "PLACED"
        assert told["response"] | {"smallcaseAuthToken": ""} == shop.partner.details(visit.transaction.transaction_id)[
            "success"
        ] | {"smallcaseAuthToken": ""}

    def test_notices_that_the_time_is_over(self, shop: Shop, visit: Visit) -> None:
        shop.partner.advance("PT16M")

        assert shop.outcome(visit).data["error"]["code"] == 3001
        assert visit.transaction.status == "ERRORED"

    def test_of_a_replaced_session_is_a_cancellation_that_cancels_nothing(self, shop: Shop, visit: Visit) -> None:
        again = shop.open(visit.transaction.transaction_id)

        assert shop.outcome(visit, left=True).data["error"]["code"] == 1010
        assert shop.outcome(again).data["state"] == "open"

    def test_of_a_rebalance_that_must_wait_is_order_pending(self, shop: Shop, visit: Visit) -> None:
        Transaction.objects.filter(pk=visit.transaction.pk).update(status="ACTION_REQUIRED", account=make_account(shop))

        assert shop.outcome(visit).data["error"]["code"] == 4006

    def test_says_nothing_to_a_connected_page_of_another_user(self, shop: Shop) -> None:
        mine, theirs = stage.connected(shop.partner, "happy-mine"), stage.connected(shop.partner, "happy-theirs")
        visit = shop.open(shop.partner.create(auth_id=theirs), auth_id=theirs)

        assert shop.outcome(visit, auth_id=mine).status == 404


def make_account(shop: Shop) -> Any:
    return make.logged_in(gateway=shop.gateway, now=clock.now(shop.gateway)).account
