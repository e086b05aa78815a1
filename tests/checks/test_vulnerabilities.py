"""What is vulnerable fails the check; what nobody could be asked about is said, and fails it only on demand."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import pytest

from tests.servers import ROOT

NOWHERE: Final = "http://127.0.0.1:9"
VULNERABLE: Final = "requests"


class _Osv(BaseHTTPRequestHandler):
    """Knows one vulnerability, of `requests`."""

    def do_POST(self) -> None:
        question = json.loads(self.rfile.read(int(self.headers["content-length"])))
        hit = question["package"]["name"] == VULNERABLE
        body = json.dumps({"vulns": [_vulnerability()] if hit else []}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silent."""


def _vulnerability() -> dict[str, Any]:
    package = {"name": VULNERABLE, "ecosystem": "PyPI"}
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "999"}]}]
    return {
        "id": "PYSEC-0000-1",
        "summary": "All is lost.",
        "modified": "2026-01-01T00:00:00Z",
        "affected": [{"package": package, "ranges": ranges}],
    }


@pytest.fixture
def osv() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Osv)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1/query"
    server.shutdown()
    server.server_close()


def audit(**environment: str) -> tuple[int, str]:
    """Where no service is reached but the one that is named."""
    there = {**os.environ, "HTTPS_PROXY": NOWHERE, "https_proxy": NOWHERE, **environment}
    command = [sys.executable, "-m", "checks.vulnerabilities"]
    done = subprocess.run(command, cwd=ROOT, env=there, check=False, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout


class TestTheAudit:
    def test_names_what_is_vulnerable(self, osv: str) -> None:
        code, told = audit(OSV_URL=osv)

        assert (code, f"{VULNERABLE} " in told, "PYSEC-0000-1" in told) == (1, True, True), told
        assert told.splitlines()[-1].endswith("1 known vulnerabilities.")

    @pytest.mark.parametrize(("required", "code"), [("", 0), ("1", 1)])
    def test_says_loudly_that_nobody_was_asked(self, required: str, code: int) -> None:
        assert audit(OSV_URL=NOWHERE, REQUIRE_AUDIT=required) == (
            code,
            "pypi is not reachable or does not report vulnerabilities.\n"
            "osv is not reachable or does not report vulnerabilities.\n"
            "NOT AUDITED: the installed packages were not checked for known vulnerabilities.\n",
        )
