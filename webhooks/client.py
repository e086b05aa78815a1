"""The socket: one POST to a partner, ten seconds at most, no redirects, what it answered kept to 4 KiB."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import requests
import urllib3

CONNECT_SECONDS: Final = 3
TOTAL_SECONDS: Final = 10
KEPT_BYTES: Final = 4096
AGENT: Final = "basket-gateway-webhooks/1"


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` None: no answer came, and `error` says why. `excerpt` is the body's beginning."""

    status: int | None
    duration_ms: int
    error: str = ""
    excerpt: str = ""

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Never raises for what a partner does."""
    began = time.monotonic()
    try:
        status, excerpt = _exchange(url, body, headers)
    except (requests.RequestException, urllib3.exceptions.HTTPError, UnicodeError) as error:
        return Answer(None, _elapsed_ms(began), error=f"{type(error).__name__}: {error}"[:200])
    return Answer(status, _elapsed_ms(began), excerpt=excerpt)


def _exchange(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
    sent = {"content-type": "application/json", "user-agent": AGENT, **headers}
    with _session().post(
        url,
        data=body,
        headers=sent,
        timeout=(CONNECT_SECONDS, TOTAL_SECONDS),
        allow_redirects=False,
        stream=True,
    ) as response:
        return response.status_code, _excerpt(response)


def _excerpt(response: requests.Response) -> str:
    """What has come of the body at the first look. The status has decided; a body that drips is not waited for."""
    try:
        kept = response.raw.read1(KEPT_BYTES)
    except (urllib3.exceptions.HTTPError, OSError):
        return ""
    return bytes(kept).decode("utf-8", "replace").replace("\x00", "")


@cache
def _session() -> requests.Session:
    """One per process, connections kept. No proxies, no netrc: the environment does not choose where orders go."""
    session = requests.Session()
    session.trust_env = False
    return session


def _elapsed_ms(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
