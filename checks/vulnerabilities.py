"""Checks the installed packages for known vulnerabilities: python -m checks.vulnerabilities

pip-audit asks PyPI, else OSV. Without a connection to either, the check says so and does not fail;
REQUIRE_AUDIT=1 makes it fail, for machines that must have a connection. A clean result is valid for a day.
OSV_URL sets another OSV service.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Final

import requests

KEPT: Final = Path(sys.prefix, ".audited")
GOOD_FOR: Final = 24 * 3600  # seconds
PATIENCE: Final = 90  # seconds, for all answers of one service
OSV_URL: Final = os.environ.get("OSV_URL", "https://api.osv.dev/v1/query")
# Per service, a request that it answers with 200 if it is reachable: pip-audit takes a 404 for "unknown package".
SERVICES: Final[Mapping[str, requests.Request]] = {
    "pypi": requests.Request("GET", "https://pypi.org/pypi/django/5.2/json"),
    "osv": requests.Request(
        "POST", OSV_URL, json={"package": {"name": "django", "ecosystem": "PyPI"}, "version": "5.2"}
    ),
}
# By id, with the reason why it does not apply to us.
IGNORED: Final[Mapping[str, str]] = {}
Found = list[dict[str, Any]]


def main() -> int:
    if _is_known_clean():
        print("No known vulnerabilities (checked within the last day).")
        return 0
    for service in SERVICES:
        asked = _ask(service) if _answers(service) else []
        if answered := [one for one in asked if "vulns" in one]:
            return _report(answered, silent=[one["name"] for one in asked if "vulns" not in one])
        print(f"{service} is not reachable or does not report vulnerabilities.")
    print("NOT AUDITED: the installed packages were not checked for known vulnerabilities.")
    return int(os.environ.get("REQUIRE_AUDIT", "") == "1")


def _answers(service: str) -> bool:
    with requests.Session() as session:
        question = session.prepare_request(SERVICES[service])
        settings = session.merge_environment_settings(question.url, {}, False, None, None)
        try:
            return session.send(question, timeout=3, **settings).status_code == 200
        except requests.RequestException:
            return False


def _ask(service: str) -> Found:
    """The service's results per distribution; empty if it stops answering."""
    options = ["--local", "--format=json", "--progress-spinner=off", f"--osv-url={OSV_URL}", "-s", service]
    command = [sys.executable, "-m", "pip_audit", *options, *(f"--ignore-vuln={name}" for name in IGNORED)]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE)
        return list(json.loads(done.stdout)["dependencies"])
    except (subprocess.TimeoutExpired, ValueError):
        return []


def _report(answered: Found, *, silent: Sequence[str]) -> int:
    hits = [f"{one['name']} {one['version']}: {vuln['id']}" for one in answered for vuln in one["vulns"]]
    print(*hits, sep="\n", end="\n" if hits else "")
    print(f"{len(answered)} packages checked, {len(hits)} known vulnerabilities.")
    if silent:
        print(f"Unknown to the service: {', '.join(silent)}.")
    if not hits and not silent:
        KEPT.write_text(_fingerprint())
    return int(bool(hits))


def _is_known_clean() -> bool:
    return KEPT.exists() and time.time() - KEPT.stat().st_mtime < GOOD_FOR and KEPT.read_text() == _fingerprint()


def _fingerprint() -> str:
    """A digest of the installed packages and their versions."""
    names = sorted(f"{one.metadata['Name']}=={one.version}" for one in distributions())
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
