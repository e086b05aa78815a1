"""The shop's server: what comes in, what goes out with every answer, and that nothing secret does."""

import asyncio
import json
from asyncio import Event
from pathlib import Path
from typing import NoReturn

import pytest
from httpx2 import Response
from starlette.requests import Request
from starlette.routing import Route

from shop import gatekeeper
from shop.app import MAX_BODY_BYTES, ROUTES
from shop.config import Site
from shop.gatekeeper import WEBHOOKS, Gatekeeper
from shop.partner import token_for
from shop.request import COOKIE
from tests.shop.knocking import HOST, ORIGIN, PARTNER, WEBHOOK_SECRET, Knocker, knocker

VIEWS = [(method, route.path) for route in ROUTES if isinstance(route, Route) for method in route.methods or ()]
POSTS = sorted(path for method, path in VIEWS if method == "POST" and path != WEBHOOKS)
SECRETS = (PARTNER.api_secret, PARTNER.jwt_secret, WEBHOOK_SECRET, PARTNER.manager_token)


class TestThePage:
    def test_loads_the_sdk_from_the_gateway_and_nothing_inline(self, knock: Knocker) -> None:
        page = knock("GET", "/")

        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert b'<script src="http://127.0.0.1:8000/scdk/2.0.0/scdk.js"></script>' in page.content
        assert b"{{" not in page.content
        assert b"style=" not in page.content

    def test_is_told_by_its_policy_what_it_may_do(self, knock: Knocker) -> None:
        page = knock("GET", "/", host="shop.example")

        assert page.headers["content-security-policy"] == (
            "default-src 'none'; script-src 'self' https://g.example; connect-src 'self' https://g.example; "
            "frame-src https://g.example; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'; require-trusted-types-for 'script'"
        )
        assert page.headers["cross-origin-opener-policy"] == "same-origin-allow-popups"
        assert page.headers["cache-control"] == "no-store"

    def test_gives_a_new_visitor_a_cookie_that_no_script_reads(self, knock: Knocker) -> None:
        given = knock("GET", "/").headers["set-cookie"]

        value, *rest = given.split("; ")
        assert rest == ["HttpOnly", "Max-Age=31536000", "Path=/", "SameSite=lax"]
        assert "Secure" in knock("GET", "/", host="shop.example").headers["set-cookie"]
        assert "set-cookie" not in knock("GET", "/", cookie=value).headers

    @pytest.mark.parametrize("cookie", [f"{COOKIE}=short", f"{COOKIE}={'x' * 44}", f"{COOKIE}=\x7f", "a=b; ;=;"])
    def test_takes_no_other_cookie_for_its_own(self, knock: Knocker, cookie: str) -> None:
        assert "set-cookie" in knock("GET", "/", cookie=cookie).headers

    def test_answers_a_head_with_its_headers(self, knock: Knocker) -> None:
        head = knock("HEAD", "/")

        assert head.status_code == 200
        assert int(head.headers["content-length"]) > 0

    @pytest.mark.parametrize("path", ["/assets/app.js", "/assets/shop.css", "/assets/stocks.json", "/assets/mark.svg"])
    def test_is_made_of_files(self, knock: Knocker, path: str) -> None:
        told = knock("GET", path)

        assert (told.status_code, told.headers["cache-control"]) == (200, "no-cache")

    @pytest.mark.parametrize(
        "path",
        ["/nowhere", "/assets/../server.py", "/assets/server.py", "/assets/none.js", "/assets/", "/api//me", "/é"],
    )
    def test_is_nowhere_else(self, knock: Knocker, path: str) -> None:
        told = knock("GET", path)

        assert (told.status_code, told.json()) == (404, {"errors": ["Not Found"]})


class TestARequest:
    @pytest.mark.parametrize("host", ["", "evil.example", "127.0.0.1", "127.0.0.1:8001.evil.example", "127.0.0.1:8002"])
    def test_for_another_host_is_refused(self, knock: Knocker, host: str) -> None:
        told = knock("GET", "/api/me", host=host)

        assert (told.status_code, told.json()) == (
            400,
            {"errors": ["The demo site is not served under this host name."]},
        )

    @pytest.mark.parametrize("path", POSTS)
    @pytest.mark.parametrize(
        "headers",
        [
            {"origin": ""},
            {"origin": "null"},
            {"origin": "http://evil.example"},
            {"origin": "http://localhost:8001"},
            {"origin": "http://127.0.0.1:8000"},
            {"origin": ORIGIN, "sec_fetch_site": "cross-site"},
            {"origin": ORIGIN, "sec_fetch_site": "same-site"},
        ],
    )
    def test_that_changes_something_comes_from_our_own_page(
        self, knock: Knocker, path: str, headers: dict[str, str]
    ) -> None:
        assert knock("POST", path, b"{}", **headers).status_code == 403

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "BREW"])
    def test_of_another_method_is_refused(self, knock: Knocker, method: str) -> None:
        assert knock(method, "/api/me").status_code == 405
        assert knock(method, "/").status_code == 405

    def test_is_no_longer_than_64_kib(self, knock: Knocker) -> None:
        assert knock("POST", "/api/order/buy", b"x" * (MAX_BODY_BYTES + 1)).status_code == 413
        assert knock("POST", "/webhooks", b"x" * (MAX_BODY_BYTES + 1), origin="").status_code == 413

    def test_whose_body_does_not_arrive_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(gatekeeper, "BODY_SECONDS", 0.01)
        scope = {"type": "http", "method": "POST", "path": "/webhooks", "headers": [(b"host", HOST.encode())]}

        async def never() -> NoReturn:
            await Event().wait()
            raise AssertionError

        async def view(request: Request) -> NoReturn:
            raise AssertionError

        told = asyncio.run(Gatekeeper({HOST: Site(ORIGIN, "")})(Request(scope, never), view))

        assert (told.status_code, told.body) == (408, b'{"errors":["The body did not arrive in time."]}')

    @pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", b"\xff\xfe", b"[" * 60_000, b'"text"', b"null"])
    def test_that_is_no_json_object_is_refused(self, knock: Knocker, body: bytes) -> None:
        assert knock("POST", "/api/order/buy", body).status_code == 400

    def test_of_another_type_is_refused(self, knock: Knocker) -> None:
        assert knock("POST", "/api/order/buy", b"{}", content_type="text/plain").status_code == 415

    @pytest.mark.parametrize(
        ("path", "fields"),
        [
            ("/api/order/buy", {"scid": "../../admin"}),
            ("/api/order/buy", {"scid": 7}),
            ("/api/order/basket", {"securities": []}),
            ("/api/order/basket", {"securities": [{}] * 21}),
            ("/api/order/basket", {"securities": "INFY"}),
            ("/api/order/on", {"type": "BUY", "iscid": "a" * 24}),
            ("/api/order/on", {"type": "EXIT", "iscid": "A" * 24}),
            ("/api/order/account", {"intent": "TRANSACTION"}),
            ("/api/connect", {"smallcaseAuthToken": "x", "broker": "kite"}),
            ("/api/sandbox/clock", {"advance": "P1Y"}),
            ("/api/sandbox/clock", {"set": "tomorrow"}),
            ("/api/sandbox/market", {"hours": "sometimes"}),
            ("/api/sandbox/price", {"ticker": "../INFY", "price": 1}),
            ("/api/sandbox/faults", {"broker": "../kite"}),
            ("/api/sandbox/faults", {"broker": "kite", "verb": "login/../x", "fault": "unreachable"}),
            ("/api/sandbox/faults", {"broker": "kite", "verb": "login", "fault": None}),
            ("/api/sandbox/rebalance", {"scid": "SCMA_0001/../x"}),
        ],
    )
    def test_with_a_wrong_field_does_not_reach_the_gateway(
        self, knock: Knocker, path: str, fields: dict[str, object]
    ) -> None:
        assert knock.post(path, **fields).status_code == 400

    @pytest.mark.parametrize("after", ["x", "-1", "٣", "9" * 16])
    def test_for_hits_after_no_number_is_refused(self, knock: Knocker, after: str) -> None:
        assert knock("GET", f"/api/webhooks?after={after}").status_code == 400


class TestASilentGateway:
    @pytest.mark.parametrize("path", ["/api/smallcases", "/api/sandbox", "/api/chart?scid=SCMA_0001"])
    def test_is_told_in_words(self, knock: Knocker, path: str) -> None:
        told = knock("GET", path)

        assert told.status_code == 503
        assert told.json()["errors"][0] == "The gateway does not answer."

    def test_orders_nothing(self, knock: Knocker) -> None:
        told = knock.post("/api/order/buy", scid="SCMA_0001")

        assert (told.status_code, told.json()["errors"][1][:45]) == (
            503,
            "Nothing was ordered that you have not confirm",
        )


class TestAnUnknownUser:
    def test_is_a_guest(self, knock: Knocker) -> None:
        told = knock("GET", "/api/me").json()

        assert (told["connected"], told["authId"]) == (False, None)
        assert knock("GET", "/api/investments").json() == {"connected": False}

    @pytest.mark.parametrize("path", ["/api/order/on", "/api/order/errand"])
    def test_has_nothing_to_order_on(self, knock: Knocker, path: str) -> None:
        fields = {"type": "EXIT", "intent": "SIP_SETUP", "iscid": "a" * 24}

        assert knock.post(path, **fields).status_code == 409


class TestConnecting:
    COOKIE = f"{COOKIE}={'c' * 43}"

    def connect(self, knock: Knocker, token: str) -> Response:
        body = json.dumps({"smallcaseAuthToken": token, "broker": "kite"}).encode()
        return knock("POST", "/api/connect", body, cookie=self.COOKIE)

    def cookie(self, knock: Knocker) -> str:
        """Of a visitor who is connected."""
        return self.connect(knock, token_for(PARTNER, "a" * 24)).headers["set-cookie"].partition(";")[0]

    def test_believes_what_the_gateway_signed(self, knock: Knocker) -> None:
        told = knock("GET", "/api/me", cookie=self.cookie(knock)).json()

        assert (told["connected"], told["authId"], told["broker"]) == (True, "a" * 24, "kite")

    def test_believes_nobody_else(self, knock: Knocker, tmp_path: Path) -> None:
        whole = token_for(PARTNER, "a" * 24)
        head, claims, _ = whole.split(".")
        guest = token_for(PARTNER, None)

        for token in (f"{head}.{claims}.{'x' * 43}", guest, "x" * 40):
            assert self.connect(knock, token).status_code == 400
        assert knock("GET", "/api/me", cookie=self.COOKIE).json()["connected"] is False

    def test_is_worth_nothing_to_who_knew_the_cookie_before(self, knock: Knocker) -> None:
        mine = self.cookie(knock)

        assert mine != self.COOKIE
        assert knock("GET", "/api/me", cookie=self.COOKIE).json()["connected"] is False

    def test_survives_a_restart(self, knock: Knocker, tmp_path: Path) -> None:
        mine = self.cookie(knock)

        assert knocker(tmp_path)("GET", "/api/me", cookie=mine).json()["connected"] is True

    def test_ends_when_asked(self, knock: Knocker) -> None:
        mine = self.cookie(knock)

        assert knock("POST", "/api/disconnect", b"{}", cookie=mine).json()["connected"] is False
        assert knock("GET", "/api/me", cookie=mine).json()["connected"] is False


class TestNoAnswer:
    @pytest.mark.parametrize(("method", "path"), sorted(VIEWS))
    def test_holds_a_secret(self, knock: Knocker, method: str, path: str) -> None:
        told = knock(method, path, b"{}")

        assert [secret for secret in SECRETS if secret.encode() in told.content] == []
        assert HOST not in told.headers.get("access-control-allow-origin", "")
