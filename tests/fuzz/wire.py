"""A socket that sends bytes as they are, and what came back."""

import json
import re
import socket
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Final

PATIENCE: Final = 45.0  # seconds: longer than the longest `?wait=`
ENVELOPE: Final = {"success", "errors", "errorType", "data"}
# Words of our insides that no answer may hold.
INSIDES: Final = re.compile(
    rb"Traceback \(most recent|psycopg2|django\.(db|core)\.|/site-packages/|SELECT .{1,200} FROM "
)
CLOSED, SILENT = "closed", "silent"


@dataclass(frozen=True, slots=True)
class Heard:
    """`status` is a number, `closed` (the server would not speak) or `silent` (it did not in time)."""

    status: str
    headers: dict[str, str]
    body: bytes

    @property
    def wrong(self) -> str:
        """What is wrong with it, whatever it answers; empty when nothing is."""
        if self.status == SILENT or self.status.startswith("5"):
            return self.status
        if INSIDES.search(self.body):
            return "shows internals"
        if "set-cookie" in self.headers and "a=b" in self.headers["set-cookie"]:
            return "a header was injected"
        return "" if self._is_enveloped() else "no envelope"

    def _is_enveloped(self) -> bool:
        """A refusal that got as far as us; the web server's own have no Request-Id."""
        kind = self.headers.get("content-type", "")
        if not self.status.startswith("4") or "request-id" not in self.headers or not self.body:
            return True
        if kind.startswith("text/html"):  # the console's, which is for people
            return b"<title>" in self.body or b"<h1>" in self.body
        return kind.endswith("json") and json.loads(self.body).keys() == ENVELOPE


def exchange(address: tuple[str, int], raw: bytes, *, method: str) -> Heard:
    try:
        with closing(socket.create_connection(address, timeout=PATIENCE)) as connection:
            connection.sendall(raw)
            with closing(HTTPResponse(connection, method=method)) as response:
                response.begin()
                headers = {name.lower(): value for name, value in response.getheaders()}
                return Heard(str(response.status), headers, response.read())
    except TimeoutError:
        return Heard(SILENT, {}, b"")
    except (OSError, HTTPException):
        return Heard(CLOSED, {}, b"")
