"""Before and after every view."""

import json
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from gateway.http.middleware import CUT_SHORT, BodyLimit, Envelope, RequestId, body_limit
from gateway.partners.credentials import Credentials
from gateway.telemetry import request_id
from gateway.values.tokens import guest_token

LIMIT = 64 * 1024
CREATE = "/gateway/demo/transaction"


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


def told(response: Any) -> tuple[int, str, list[str]]:
    body = response.json()
    assert (body["success"], body["data"]) == (False, None)
    return response.status_code, body["errorType"], body["errors"]


def headers(of: Credentials) -> dict[str, str]:
    return {"x-gateway-secret": of.api_secret, "x-gateway-authtoken": guest_token(of.jwt_secret)}


class TestRequestId:
    @pytest.mark.parametrize("sent", ["12345678", "a.b_c-D9" * 8])
    def test_is_kept_when_it_is_harmless(self, client: Client, sent: str) -> None:
        assert client.get("/healthz", headers={"Request-Id": sent})["Request-Id"] == sent

    @pytest.mark.parametrize("sent", ["", "short", "x" * 65, "has space", "<script>x", "line\tfeed", "ünïcödé-id"])
    def test_is_made_otherwise(self, client: Client, sent: str) -> None:
        made = client.get("/healthz", headers={"Request-Id": sent})["Request-Id"]

        assert made != sent
        assert len(made) == 16

    def test_is_another_for_every_request(self, client: Client) -> None:
        assert client.get("/healthz")["Request-Id"] != client.get("/healthz")["Request-Id"]

    def test_is_known_to_whatever_the_request_does(self) -> None:
        seen: list[str] = []

        def view(request: HttpRequest) -> HttpResponse:
            seen.append(request_id.current())
            return HttpResponse()

        RequestId(view)(RequestFactory().get("/", headers={"Request-Id": "12345678"}))

        assert (seen, request_id.current()) == (["12345678"], "")


class TestEnvelope:
    @pytest.mark.parametrize("path", ["/", "/nothing", "/gateway/De.mo/transaction", "/gateway/a%00b/transaction"])
    def test_is_round_what_is_nowhere(self, client: Client, path: str) -> None:
        response = client.get(path)

        assert told(response) == (404, "NotFound", ["There is nothing at this path."])
        assert response["Request-Id"]

    @pytest.mark.parametrize(
        ("status", "error_type"),
        [(400, "ValidationError"), (403, "Conflict"), (404, "NotFound"), (500, "InternalError")],
    )
    def test_replaces_an_html_error(self, status: int, error_type: str) -> None:
        page = HttpResponse("<h1>Oh</h1>", status=status)

        response = Envelope(lambda request: page)(RequestFactory().get("/v1/x"))

        assert (response.status_code, response["Content-Type"]) == (status, "application/json")
        assert error_type in response.content.decode()

    @pytest.mark.parametrize(("path", "status"), [("/admin/x", 404), ("/v1/x", 200)])
    def test_leaves_the_console_and_what_went_well_alone(self, path: str, status: int) -> None:
        page = HttpResponse("<h1>Oh</h1>", status=status)

        assert Envelope(lambda request: page)(RequestFactory().get(path)) is page


class TestBodyLimit:
    def test_refuses_a_body_above_it(self, client: Client) -> None:
        response = client.post(CREATE, b"x" * (LIMIT + 1), content_type="application/json")

        assert told(response) == (413, "PayloadTooLarge", ["The body must not exceed 64 KiB."])

    def test_lets_a_body_of_just_that_size_through(self, client: Client, db: None) -> None:
        response = client.post(CREATE, b"x" * LIMIT, content_type="application/json")

        assert told(response)[:2] == (404, "InvalidGateway")

    @pytest.mark.parametrize("length", ["-1", "many", "1e3", "²", "9" * 5_000, "0" * 20])
    def test_refuses_a_length_that_is_none(self, client: Client, length: str) -> None:
        response = client.generic("POST", CREATE, b"{}", CONTENT_LENGTH=length)

        assert response.status_code == 413

    def test_is_larger_for_the_consoles_uploads(self) -> None:
        assert (body_limit("/admin/x/"), body_limit("/v1/x")) == (5 * 1024 * 1024, LIMIT)

    def test_refuses_a_body_of_unknown_length(self, client: Client) -> None:
        response = client.generic("POST", CREATE, CONTENT_LENGTH="", headers={"Transfer-Encoding": "chunked"})

        assert told(response) == (411, "ValidationError", ["The header Content-Length is missing."])

    def test_refuses_a_body_that_was_cut_short(self) -> None:
        request = RequestFactory().post(CREATE, b"{", content_type="application/json")
        request.META[CUT_SHORT] = True

        response = BodyLimit(lambda _: HttpResponse())(request)

        assert (response.status_code, json.loads(response.content)) == (
            408,
            {
                "success": False,
                "errors": ["The body did not arrive completely within 10 s."],
                "errorType": "ValidationError",
                "data": None,
            },
        )

    @pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "identity, gzip"])
    def test_refuses_a_packed_body(self, client: Client, encoding: str) -> None:
        response = client.generic("POST", CREATE, b"{}", headers={"Content-Encoding": encoding})

        assert told(response) == (415, "UnsupportedMediaType", ["The body must not be compressed."])

    @pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/xml"])
    def test_refuses_what_is_not_json(self, client: Client, credentials: Credentials, content_type: str) -> None:
        response = client.generic(
            "POST",
            f"/gateway/{credentials.gateway.name}/transaction",
            b"intent=CONNECT",
            content_type=content_type,
            headers=headers(credentials),
        )

        assert told(response)[:2] == (415, "UnsupportedMediaType")

    @pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
    def test_refuses_a_wrong_method(self, client: Client, credentials: Credentials, method: str) -> None:
        response = client.generic(
            method,
            f"/gateway/{credentials.gateway.name}/transaction",
            headers=headers(credentials),
        )

        assert told(response)[:2] == (405, "MethodNotAllowed")
