"""What goes out, and what a browser may do with it: the headers that a partner's page needs beside scdk.js."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from shop.asking import COOKIE, Asked
from shop.config import Site

HTML, JSON = "text/html; charset=utf-8", "application/json"
ALWAYS: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    # `same-origin` alone would cut every popup off from the page that opened it.
    ("Cross-Origin-Opener-Policy", "same-origin-allow-popups"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
YEAR: Final = 31_536_000


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    content: bytes
    content_type: str = JSON
    extra: Sequence[tuple[str, str]] = ()


def done(data: Any) -> Answer:
    return Answer(200, json.dumps(data).encode())


def refused(status: int, *sentences: str) -> Answer:
    return Answer(status, json.dumps({"errors": sentences}).encode())


def headers_of(answer: Answer, request: Asked | None) -> list[tuple[str, str]]:
    """`request`: None for one that might not come in."""
    site, cookie = (request.site, request.given) if request else (None, "")
    headers = [("Content-Type", answer.content_type), ("Content-Length", str(len(answer.content)))]
    headers += [*ALWAYS, ("Content-Security-Policy", policy(site)), *answer.extra]
    if not any(name == "Cache-Control" for name, _ in answer.extra):
        headers.append(("Cache-Control", "no-store"))
    if cookie and site:
        secure = "; Secure" if site.origin.startswith("https:") else ""
        headers.append(("Set-Cookie", f"{COOKIE}={cookie}; Path=/; Max-Age={YEAR}; HttpOnly; SameSite=Lax{secure}"))
    return headers


def policy(site: Site | None) -> str:
    """The gateway's origin stands where the SDK needs it: its script, its calls, its frame. Nothing is inline."""
    gateway = site.gateway_url if site else ""
    rules = {
        "default-src": "'none'",
        "script-src": f"'self' {gateway}",
        "connect-src": f"'self' {gateway}",
        "frame-src": gateway or "'none'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
    }
    return "; ".join(f"{name} {sources}".rstrip() for name, sources in rules.items())
