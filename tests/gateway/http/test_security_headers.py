"""Every answer tells browsers what they may do with it."""

from contextlib import closing
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from gateway.http.middleware import Envelope
from gateway.http.security_headers import ALWAYS, CSP, NOTHING, PAGE, SafeHeaders, policy

NOTHING_AT_ALL = "default-src 'none'; frame-ancestors 'none'"
ONLY_OURS = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


def answered(response: HttpResponse) -> HttpResponse:
    return SafeHeaders(lambda request: response)(RequestFactory().get("/"))


class TestEveryAnswer:
    @pytest.mark.parametrize(
        ("path", "status"),
        [
            ("/healthz", 200),
            ("/api/docs/", 200),
            ("/api/schema/", 200),
            ("/admin/login/", 200),
            ("/admin/", 302),
            ("/nothing", 404),
            ("/gateway/nobody/transaction", 404),
            ("/static/admin/css/base.css", 200),
        ],
    )
    def test_carries_what_holds_for_all(self, client: Client, db: None, path: str, status: int) -> None:
        with closing(client.get(path)) as response:
            assert response.status_code == status
            assert {name: response[name] for name in ALWAYS} == ALWAYS

    def test_carries_it_when_no_view_was_reached(self, client: Client) -> None:
        response = client.post("/gateway/demo/transaction", b"x" * 70_000, content_type="application/json")

        assert (response.status_code, response[CSP]) == (413, NOTHING_AT_ALL)
        assert {name: response[name] for name in ALWAYS} == ALWAYS

    @pytest.mark.parametrize("path", ["/healthz", "/nothing", "/admin/login/"])
    def test_asks_for_https_alone_where_it_is_served_so(self, settings: Any, db: None, path: str) -> None:
        settings.SECURE_HSTS_SECONDS = 31_536_000

        response = Client(raise_request_exception=False).get(path, secure=True)

        assert response["Strict-Transport-Security"].startswith("max-age=31536000")


class TestThePolicy:
    @pytest.mark.parametrize("path", ["/healthz", "/nothing", "/api/schema/?format=json"])
    def test_of_data_is_nothing(self, client: Client, path: str) -> None:
        assert client.get(path)[CSP] == NOTHING_AT_ALL == policy(NOTHING)

    @pytest.mark.parametrize("path", ["/api/docs/", "/admin/login/", "/admin/nothing"])
    def test_of_a_page_is_what_we_serve_ourselves(self, client: Client, db: None, path: str) -> None:
        assert client.get(path, follow=True)[CSP] == ONLY_OURS == policy(PAGE)

    def test_changes_by_directive(self) -> None:
        changed = policy(PAGE, frame_ancestors="https://shop.example", script_src="'self' 'nonce-x'")

        assert changed == ONLY_OURS.replace("frame-ancestors 'none'", "frame-ancestors https://shop.example") + (
            "; script-src 'self' 'nonce-x'"
        )

    def test_is_left_as_a_view_has_set_it(self) -> None:
        response = answered(HttpResponse("<p>", headers={CSP: "default-src 'self'"}))

        assert response[CSP] == "default-src 'self'"


class TestAnAnswerWithData:
    def test_is_kept_by_no_cache(self, client: Client) -> None:
        assert client.get("/nothing")["Cache-Control"] == "no-store"

    def test_may_say_otherwise(self) -> None:
        response = HttpResponse("{}", content_type="application/json", headers={"Cache-Control": "max-age=60"})

        assert answered(response)["Cache-Control"] == "max-age=60"


class TestAHost:
    @pytest.mark.parametrize("path", ["/nothing", "/gateway/demo/transaction", "/admin/login/", "/api/docs/"])
    def test_that_is_not_ours_is_refused(self, client: Client, path: str) -> None:
        response = client.get(path, headers={"Host": "evil.example"})

        assert response.status_code == 400
        assert "evil" not in response.content.decode()

    def test_does_not_matter_to_a_probe(self, client: Client) -> None:
        assert client.get("/healthz", headers={"Host": "10.1.2.3:8000"}).status_code == 200


class TestAnEnvelopedError:
    def test_keeps_the_headers_of_the_page_it_replaces(self) -> None:
        def view(request: HttpRequest) -> HttpResponse:
            return HttpResponse("<h1>Oh</h1>", status=404, headers={"Strict-Transport-Security": "max-age=1"})

        response = Envelope(view)(RequestFactory().get("/v1/x"))

        assert response["Strict-Transport-Security"] == "max-age=1"
        assert response["Content-Type"] == "application/json"


class TestAnUpload:
    def test_to_the_console_is_refused_before_the_login(self, client: Client) -> None:
        sent = {"username": "x", "file": SimpleUploadedFile("x.csv", b"x" * 1_000)}

        response = client.post("/admin/login/", sent)

        assert response.status_code == 400
