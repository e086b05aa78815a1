"""What holds in the web alone."""

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from io import BytesIO
from time import monotonic
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.util import setup_testing_defaults

import pytest

from gateway import wsgi

POSTGRES = "django.db.backends.postgresql"


class TestLimitStatements:
    @pytest.mark.parametrize(
        ("database", "options"),
        [
            ({"ENGINE": POSTGRES, "OPTIONS": {}}, {"options": "-c statement_timeout=15s -c lock_timeout=5s"}),
            (
                {"ENGINE": POSTGRES, "OPTIONS": {"options": "-c jit=off", "connect_timeout": 5}},
                {"options": "-c jit=off -c statement_timeout=15s -c lock_timeout=5s", "connect_timeout": 5},
            ),
            ({"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {"timeout": 20}}, {"timeout": 20}),
        ],
    )
    def test_is_for_postgresql(self, database: dict[str, Any], options: dict[str, Any]) -> None:
        wsgi.limit_statements([database])

        assert database["OPTIONS"] == options

    def test_is_not_for_a_pooler_that_refuses_options(self, settings: Any) -> None:
        settings.DATABASE_POOLING = "transaction"
        database: dict[str, Any] = {"ENGINE": POSTGRES, "OPTIONS": {}}

        wsgi.limit_statements([database])

        assert database["OPTIONS"] == {}


class _Silent(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        """It is no news."""


@pytest.fixture
def base() -> Iterator[str]:
    """Of a plain WSGI server, which closes each connection after its answer."""
    with make_server("127.0.0.1", 0, wsgi.application, handler_class=_Silent) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class TestAClientThatSendsEverythingFirst:
    @pytest.mark.parametrize(
        ("path", "size", "status"),
        [
            ("/nothing", 60_000, 404),
            ("/healthz", 60_000, 405),
            ("/gateway/demo/transaction", 100_000, 413),
            ("/nothing", 2_000_000, 413),
            ("/admin/login/", 6_000_000, 413),
        ],
    )
    def test_reads_the_answer(self, base: str, path: str, size: int, status: int) -> None:
        request = urllib.request.Request(f"{base}{path}", data=b"x" * size, headers={"Content-Type": "text/plain"})

        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=20)

        assert refused.value.code == status
        refused.value.close()


class _Endless:
    def __init__(self) -> None:
        self.given = 0

    def read(self, size: int) -> bytes:
        self.given += size
        return b"x" * size


class TestALengthOfManyDigits:
    def test_is_refused(self, db: None) -> None:
        told: list[str] = []
        environ: dict[str, Any] = {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": "9" * 5_000}
        setup_testing_defaults(environ)

        answer = wsgi.application(environ, lambda status, headers: told.append(status))
        answer.close()

        assert told[0].startswith("413 ")


class TestDrain:
    def test_reads_no_further_than_the_bodys_end(self) -> None:
        stream = BytesIO(b"abcdefnext")
        body = wsgi.CountedInput(stream)
        assert body.read(2) == b"ab"

        body.drain(6)

        assert stream.read() == b"next"

    def test_is_bounded_in_bytes(self, settings: Any) -> None:
        settings.DRAINED_BYTES = 100_000
        stream = _Endless()

        wsgi.CountedInput(stream).drain(10**12)

        assert stream.given == 100_000

    def test_is_bounded_in_time(self, settings: Any) -> None:
        settings.BODY_SECONDS, settings.DRAINED_BYTES = 0.05, 10**15
        began = monotonic()

        wsgi.CountedInput(_Endless()).drain(10**15)

        assert 0.05 <= monotonic() - began < 5

    def test_ends_with_a_client_that_is_gone(self) -> None:
        class Gone:
            def read(self, size: int) -> bytes:
                raise ConnectionResetError

        wsgi.CountedInput(Gone()).drain(5)
        wsgi.CountedInput(BytesIO(b"ab")).drain(5)
