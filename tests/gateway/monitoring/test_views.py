"""Operators' endpoints, as a machine asks them."""

from typing import Any

import pytest
from celery import current_app
from django.test import Client

TOKEN = "t" * 20


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


class TestEachOfThem:
    @pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/demo/"])
    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"])
    def test_is_for_reading(self, client: Client, path: str, method: str) -> None:
        refused = client.generic(method, path)

        assert (refused.status_code, refused["Allow"]) == (405, "GET, HEAD")
        assert refused.json() == {
            "success": False,
            "errors": [f'Method "{method}" not allowed.'],
            "errorType": "MethodNotAllowed",
            "data": None,
        }


class TestHealthz:
    def test_answers_without_asking_anybody(self, client: Client) -> None:
        assert client.get("/healthz").json() == {"success": True, "errors": None, "data": {"alive": True}}

    def test_answers_a_head(self, client: Client) -> None:
        answer = client.head("/healthz")

        assert (answer.status_code, answer.content) == (200, b"")


class TestReadyz:
    def test_is_200_when_orders_can_be_taken(self, client: Client, transactional_db: None, instruments: None) -> None:
        answer = client.get("/readyz")

        assert (answer.status_code, answer.json()["data"]) == (200, {"ready": True})

    def test_is_503_with_the_causes_and_when_to_ask_again(self, client: Client, transactional_db: None) -> None:
        current_app.conf.update(broker_url="redis://:swordfish@127.0.0.1:1/0")

        answer = client.get("/readyz")

        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert answer.json() == {
            "success": False,
            "errors": [
                "No instruments are loaded, so every basket is refused: run `manage.py load_instruments`.",
                "The queue's broker does not answer in time.",
            ],
            "errorType": "ServiceUnavailable",
            "data": None,
        }


class TestMetrics:
    def test_is_prometheus_text(self, client: Client, transactional_db: None) -> None:
        client.get("/healthz")
        answer = client.get("/metrics")

        assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
        assert 'gateway_request_seconds_count{method="GET",route="healthz",status="2xx"}' in answer.content.decode()
        assert "\ngateway_database_up 1.0\n" in answer.content.decode()

    def test_refuses_a_wrong_token_with_an_envelope(self, settings: Any, client: Client) -> None:
        settings.METRICS_TOKEN = TOKEN

        answer = client.get("/metrics", headers={"Authorization": "Bearer wrong"})

        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
        assert (answer.json()["errorType"], answer.json()["data"]) == ("InvalidSecret", None)
        assert TOKEN not in answer.content.decode()

    def test_is_nowhere_in_production_without_a_token(self, settings: Any, client: Client) -> None:
        settings.EMBEDDED, settings.METRICS_TOKEN = False, ""

        answer = client.get("/metrics")

        assert (answer.status_code, answer.json()["errors"]) == (404, ["There is nothing at this path."])


class TestDemo:
    SITES = ["http://127.0.0.1:8001", "http://localhost:8001"]

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    def test_leads_to_the_site_at_the_same_host_name(self, settings: Any, client: Client, host: str) -> None:
        settings.DEMO_ORIGINS = self.SITES

        answer = client.get("/demo/", headers={"host": f"{host}:8000"})

        assert (answer.status_code, answer["Location"]) == (302, f"http://{host}:8001/")

    def test_leads_to_the_first_from_anywhere_else(self, settings: Any, client: Client) -> None:
        settings.DEMO_ORIGINS, settings.ALLOWED_HOSTS = self.SITES, ["gateway.example"]

        assert client.get("/demo/", headers={"host": "gateway.example"})["Location"] == "http://127.0.0.1:8001/"

    def test_is_nowhere_where_there_is_none(self, settings: Any, client: Client) -> None:
        settings.DEMO_ORIGINS = []

        answer = client.get("/demo/")

        assert (answer.status_code, answer.json()["errors"]) == (404, ["There is no demo site here."])
