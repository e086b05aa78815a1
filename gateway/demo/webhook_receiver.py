"""The partner's webhook endpoint: accepts deliveries that verify, refuses all others."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from json import loads
from typing import Any

from webhooks.signing.verify import NotGenuine, verify_checksum, verify_signature


@dataclass(frozen=True, slots=True)
class Webhook:
    """A verified webhook."""

    event: str
    sequence: int
    body: dict[str, Any]


@dataclass
class Receiver:
    """Listens on a free loopback port. Set the secrets when the gateway has created them."""

    api_secret: str = ""
    webhook_secret: str = ""
    accepted: list[Webhook] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def start(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/webhooks"

    def of(self, batch_id: str) -> list[Webhook]:
        """The deliveries about a batch so far, each event once, in sequence."""
        mine = {hit.sequence: hit for hit in list(self.accepted) if hit.body.get("batchId") == batch_id}
        return [mine[sequence] for sequence in sorted(mine)]

    def wait_for_action(self, action: str, iscid: str, *, seconds: float) -> dict[str, Any] | None:
        """Waits for the newest `action.pending` of this kind on an investment; None after `seconds`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            bodies = [hit.body for hit in list(self.accepted) if hit.event == "action.pending"]
            mine = [body for body in bodies if (body["action"], body["iscid"]) == (action, iscid)]
            if mine:
                return mine[-1]
            time.sleep(0.02)  # another thread receives
        return None

    def wait_for(self, batch_id: str, is_enough: Callable[[list[Webhook]], bool], *, seconds: float) -> list[Webhook]:
        """Waits until the deliveries so far are enough, or for `seconds`, and returns them."""
        deadline = time.monotonic() + seconds
        while not is_enough(self.of(batch_id)) and time.monotonic() < deadline:
            time.sleep(0.02)  # another thread receives
        return self.of(batch_id)

    def receive(self, headers: dict[str, str], body: bytes) -> bool:
        try:
            verify_checksum(body, api_secret=self.api_secret)
            verify_signature(headers, body, secret=self.webhook_secret, now=datetime.now(UTC))
        except (NotGenuine, KeyError, ValueError) as error:
            self.refused.append(str(error))
            return False
        event, sequence = headers["x-gateway-event"], int(headers["x-gateway-sequence"])
        self.accepted.append(Webhook(event, sequence, loads(body)))
        return True

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                self.send_response(204 if receiver.receive(headers, body) else 401)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Silent: the story prints the deliveries."""

        return Handler
