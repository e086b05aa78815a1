"""Serves the SDK's files to pages of any origin; they contain no user data."""

from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from gateway.http.envelope import Page
from transactions.checkout.pages.screen_policy import guard

HERE: Final = Path(__file__).parent / "sdk"
JAVASCRIPT: Final = "text/javascript; charset=utf-8"
TYPESCRIPT: Final = "text/plain; charset=utf-8"


@require_safe
def script(request: HttpRequest) -> HttpResponse:
    return _served(request, "scdk.js", JAVASCRIPT)


@require_safe
def declarations(request: HttpRequest) -> HttpResponse:
    return _served(request, "scdk.d.ts", TYPESCRIPT)


@require_safe
def opening(request: HttpRequest) -> HttpResponse:
    """The popup's page until the checkout's URL is known."""
    return guard(Page(render_to_string("checkout/opening.html")))


def _served(request: HttpRequest, name: str, content_type: str) -> HttpResponse:
    content, tag = _read(name)
    known = request.headers.get("If-None-Match") == tag
    response = HttpResponseNotModified() if known else HttpResponse(content, content_type=content_type)
    response["ETag"] = tag
    response["Cache-Control"] = "public, max-age=300"
    # For <script> with or without `crossorigin`, on pages of every origin.
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@lru_cache(maxsize=4)
def _read(name: str) -> tuple[bytes, str]:
    content = (HERE / name).read_bytes()
    return content, f'"{blake2b(content, digest_size=12).hexdigest()}"'
