"""A webhook receiver on loopback: keeps every hit, answers what it is told to."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


@dataclass(frozen=True, slots=True)
class Hit:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def event(self) -> str:
        return self.headers["x-gateway-event"]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # with Python's 5 the kernel drops some of what comes at once, and a second is lost

    def handle_error(self, *_: object) -> None:
        """A sender that was killed in the middle is part of the tests."""


@dataclass
class Receiver:
    """`answer` gives the status for each hit; 200 unless a test sets another."""

    answer: Callable[[Hit], int] = lambda hit: 200
    hits: list[Hit] = field(default_factory=list)

    def __enter__(self) -> "Receiver":
        self.server = _Server(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/hooks"

    def events(self) -> list[str]:
        return [hit.event for hit in self.hits]

    def wait_for(self, wanted: Callable[[list[Hit]], bool], *, seconds: float = 15) -> list[Hit]:
        """The hits, once they are what is `wanted`; AssertionError when they never are."""
        deadline = time.monotonic() + seconds
        while not wanted(self.hits):
            assert time.monotonic() < deadline, f"After {seconds} s the receiver has {self.events()}"
            time.sleep(0.02)
        return self.hits

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                if len(body := self.rfile.read(length)) < length:
                    raise ConnectionError("The sender died before its last line.")
                headers = {name.lower(): value for name, value in self.headers.items()}
                hit = Hit(self.path, headers | {"x-came-from": str(self.client_address[1])}, body)
                receiver.hits.append(hit)
                self.send_response(receiver.answer(hit))
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None:
                """Silent: the hits are the record."""

        return Handler
