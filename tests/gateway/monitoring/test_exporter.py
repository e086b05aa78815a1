"""Who may scrape, and the worker's own endpoint."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from typing import Any

import pytest

from gateway.monitoring import exporter
from gateway.telemetry import metrics

TOKEN = "t" * 20


class TestAdmission:
    @pytest.mark.parametrize(
        ("embedded", "token", "sent", "status"),
        [
            (True, "", "", 200),
            (False, "", "", 404),
            (False, "", "Bearer ", 404),
            (True, TOKEN, "", 401),
            (False, TOKEN, "", 401),
            (False, TOKEN, f"Bearer {TOKEN}", 200),
            (True, TOKEN, f"Bearer {TOKEN}", 200),
            (False, TOKEN, f"Bearer {TOKEN}x", 401),
            (False, TOKEN, TOKEN, 401),
            (False, TOKEN, f"bearer {TOKEN}", 401),
            (False, TOKEN, "Bearer \xff\xfe", 401),
        ],
    )
    def test_is_by_token_and_open_only_on_a_laptop(
        self, settings: Any, embedded: bool, token: str, sent: str, status: int
    ) -> None:
        settings.EMBEDDED, settings.METRICS_TOKEN = embedded, token

        assert exporter.admission(sent) == status


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(port: int) -> Iterator[None]:
    server = exporter.serve(port)
    assert server is not None
    yield
    server.shutdown()
    server.server_close()


def get(port: int, path: str, **headers: str) -> tuple[int, str, str]:
    with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Content-Type", ""), answer.read().decode()


class TestServe:
    def test_shows_what_was_counted_to_who_has_the_token(self, settings: Any, port: int) -> None:
        settings.EMBEDDED, settings.METRICS_TOKEN = False, TOKEN
        metrics.rate_limited(scope="account")
        with serving(port):
            status, kind, text = get(port, "/metrics", Authorization=f"Bearer {TOKEN}")

            assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
            assert 'gateway_rate_limited_total{scope="account"}' in text
            assert get(port, "/metrics")[0] == 401
            assert get(port, "/", Authorization=f"Bearer {TOKEN}")[0] == 404

    def test_ends_no_worker_when_the_port_is_taken(self, port: int, caplog: pytest.LogCaptureFixture) -> None:
        with socket.create_server(("", port)):
            exporter.serve(port)

        assert caplog.messages[0].startswith(f"No metrics on port {port}: ")
