"""Partners' endpoints, on one hostile port: each in a mood of its own, every hit kept with what was answered."""

import json
import random
import socket
import struct
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final

from webhooks.signing.verify import NotGenuine, verify_checksum, verify_signature

# A partner in a bad mood is so with most hits, not with all: an endpoint that fails for days is disabled.
BAD: Final = 0.7
HANG_SECONDS: Final = 12
DRIP_SECONDS: Final = 0.4
LATE_SECONDS: Final = 3


class Mood(StrEnum):
    FINE = "fine"
    FAILS = "fails"
    BUSY = "busy"
    HANGS = "hangs"
    RESETS = "resets"
    CUTS = "cuts"
    DRIPS_HEADERS = "drips headers"
    DRIPS_BODY = "drips its body"
    LATE = "late"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Hit:
    """`number` counts arrivals at all endpoints. `accepted`: a 2xx was on its way."""

    number: int
    place: str
    key: str
    sequence: int
    body: dict[str, Any]
    accepted: bool


@dataclass(frozen=True, slots=True)
class Secrets:
    api_secret: str
    webhook_secret: str


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_: object) -> None:
        """A sender that was killed in the middle is what this is for."""


@dataclass
class Receiver:
    """`secrets` by place, the path of an endpoint. `forged` are hits that were not signed as they should be."""

    moods: dict[str, Mood] = field(default_factory=dict)
    secrets: dict[str, Secrets] = field(default_factory=dict)
    hits: list[Hit] = field(default_factory=list)
    forged: list[str] = field(default_factory=list)
    met: "defaultdict[Mood, int]" = field(default_factory=lambda: defaultdict(int))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> "Receiver":
        self.server = _Server(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.server.shutdown()
        self.server.server_close()

    def url(self, place: str) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}{place}"

    def take(self, place: str, headers: dict[str, str], body: bytes) -> Mood:
        """The mood that this hit meets; it is kept before it is answered."""
        mood = self.moods.get(place, Mood.FINE)
        if mood is not Mood.GONE and random.random() > BAD:
            mood = Mood.FINE
        self._check(place, headers, body)
        accepted = mood in {Mood.FINE, Mood.LATE, Mood.DRIPS_HEADERS, Mood.DRIPS_BODY}
        said = {key: value for key, value in json.loads(body).items() if key not in {"timestamp", "checksum"}}
        with self.lock:
            self.met[mood] += 1
            number = len(self.hits)
            key, sequence = headers["webhook-id"], int(headers["x-gateway-sequence"])
            self.hits.append(Hit(number, place, key, sequence, said, accepted))
        return mood

    def _check(self, place: str, headers: dict[str, str], body: bytes) -> None:
        secrets = self.secrets[place]
        try:
            verify_checksum(body, api_secret=secrets.api_secret)
            verify_signature(headers, body, secret=secrets.webhook_secret, now=datetime.now(UTC))
        except (NotGenuine, KeyError, ValueError) as reason:
            self.forged.append(f"{headers.get('webhook-id')} at {place}: {reason}")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer(self, receiver.take(self.path, headers, body))

            def log_message(self, *_: object) -> None:
                """Silent: the hits are the record."""

        return Handler


def answer(to: BaseHTTPRequestHandler, mood: Mood) -> None:
    match mood:
        case Mood.FAILS:
            _say(to, 500)
        case Mood.BUSY:
            _say(to, 429, "retry-after: 2\r\n")
        case Mood.GONE:
            _say(to, 410)
        case Mood.HANGS:
            time.sleep(HANG_SECONDS)
            to.close_connection = True
        case Mood.RESETS:
            to.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            to.connection.close()
            to.close_connection = True
        case Mood.CUTS:
            to.close_connection = True
        case Mood.DRIPS_HEADERS:
            _drip(to, b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        case Mood.DRIPS_BODY:
            to.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\n")
            _drip(to, b"o" * 40)
        case Mood.LATE:
            time.sleep(LATE_SECONDS)
            _say(to, 200)
        case Mood.FINE:
            _say(to, 200)


def _say(to: BaseHTTPRequestHandler, status: int, more: str = "") -> None:
    to.wfile.write(f"HTTP/1.1 {status} Said\r\ncontent-length: 2\r\n{more}\r\nok".encode())


def _drip(to: BaseHTTPRequestHandler, text: bytes) -> None:
    for byte in text:
        to.wfile.write(bytes([byte]))
        to.wfile.flush()
        time.sleep(DRIP_SECONDS)
