"""What goes wrong before or around a screen is a page too, with the policy of a page and a way back."""

from io import BytesIO
from typing import Any
from unittest.mock import patch

import pytest
from django.test import Client

from tests.transactions.checkout.conftest import Shop, Visit
from transactions.queries import selectors


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


class TestOnTheScreens:
    @pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
    def test_another_method_is_a_page_with_a_way_back(self, client: Client, visit: Visit, method: str) -> None:
        answer = getattr(client, method)(visit.path)

        assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, OPTIONS")
        assert "Your request could not be read" in answer.content.decode()
        assert f'<a class="main" href="{visit.path}">' in answer.content.decode()

    @pytest.mark.parametrize("tail", ["nothing", "../../x"])
    def test_an_unknown_path_leads_nowhere(self, client: Client, visit: Visit, tail: str) -> None:
        answer = client.get(visit.path + tail)

        assert answer.status_code == 404
        assert "Link not found" in answer.content.decode()

    @pytest.mark.parametrize("path", ["/checkout/s/", "/checkout/s/short/", "/checkout/s/" + "x" * 43])
    def test_a_path_cut_short_leads_nowhere(self, client: Client, db: None, path: str) -> None:
        assert "Link not found" in client.get(path).content.decode()

    @pytest.mark.parametrize(
        ("sent", "status"),
        [
            ({"data": {"pin": "x" * 70_000}}, 413),
            ({"data": {"pin": "1"}, "headers": {"Content-Encoding": "gzip"}}, 415),
            ({"data": {"file": BytesIO(b"x")}}, 400),
            ({"data": b"nonsense", "content_type": "multipart/form-data"}, 400),
        ],
    )
    def test_a_form_that_cannot_be_read_is_a_page(
        self, client: Client, visit: Visit, sent: dict[str, Any], status: int
    ) -> None:
        visit.send("broker", broker="kite")

        answer = client.post(visit.path + "login", **sent)

        assert (answer.status_code, answer["Content-Type"]) == (status, "text/html; charset=utf-8")
        assert "Your request could not be read" in answer.content.decode()

    def test_a_crash_promises_nothing_that_it_cannot_know(self, client: Client, visit: Visit) -> None:
        with patch.object(selectors, "session_at", side_effect=ZeroDivisionError):
            answer = client.post(visit.path + "confirm")

        page = answer.content.decode()
        assert answer.status_code == 500
        assert "Check the status of your order" in page
        assert f'href="{visit.path}"' in page

    @pytest.mark.parametrize("path", ["/checkout/s/x", "/checkout/s/x/confirm"])
    def test_every_page_of_a_refusal_has_the_policy_of_the_others(self, client: Client, db: None, path: str) -> None:
        headers = client.get(path).headers

        assert headers["Content-Security-Policy"].startswith("default-src 'none'; frame-ancestors 'none'; script-src ")
        assert (headers["Referrer-Policy"], headers["Cache-Control"]) == ("no-referrer", "no-store")


@pytest.mark.django_db
class TestElsewhere:
    @pytest.mark.parametrize(
        ("method", "path", "status", "error_type"),
        [
            ("get", "/checkout", 404, "NotFound"),
            ("get", "/checkout/acme", 404, "NotFound"),
            ("post", "/scdk/2.0.0/scdk.js", 405, "MethodNotAllowed"),
            ("post", "/scdk/2.0.0/opening", 405, "MethodNotAllowed"),
        ],
    )
    def test_it_is_the_envelope(self, client: Client, method: str, path: str, status: int, error_type: str) -> None:
        answer = getattr(client, method)(path)

        assert (answer.status_code, answer.json()["errorType"]) == (status, error_type)

    def test_a_body_that_is_too_large_is_the_envelope(self, client: Client, shop: Shop) -> None:
        answer = client.post(f"/checkout/{shop.partner.name}/sessions", b"x" * 70_000, content_type="application/json")

        assert (answer.status_code, answer.json()["errorType"]) == (413, "PayloadTooLarge")
