"""Middleware that pages for people need, and requests to the APIs skip."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver

from gateway.api.base_view import BaseView
from gateway.http.browser_middleware import API_PREFIXES, BrowserMiddlewareStack


class Recorder:
    heard: ClassVar[list[str]] = []
    name = "first"

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.heard.append(self.name)
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., Any], *_: Any) -> HttpResponse | None:
        self.heard.append(f"{self.name} before {view.__name__}")
        return None


class Refusing(Recorder):
    name = "second"

    def process_view(self, request: HttpRequest, view: Callable[..., Any], *_: Any) -> HttpResponse | None:
        super().process_view(request, view)
        return HttpResponse(status=403)


class Never(Refusing):
    name = "third"


class Crashing(Recorder):
    def __call__(self, request: HttpRequest) -> HttpResponse:
        raise KeyError("crashed")


def view(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.path)


def routes(under: URLResolver, prefix: str = "/") -> Iterator[tuple[str, Any]]:
    for one in under.url_patterns:
        path = f"{prefix}{one.pattern}"
        if isinstance(one, URLPattern):
            yield path, one.callback
        else:
            yield from routes(one, path)


@pytest.fixture
def heard(settings: Any) -> list[str]:
    settings.BROWSER_MIDDLEWARE = [f"{__name__}.{kind.__name__}" for kind in (Recorder, Refusing, Never)]
    Recorder.heard.clear()
    return Recorder.heard


class TestBrowserMiddlewareStack:
    def test_goes_through_all_of_them_in_their_order(self, heard: list[str]) -> None:
        answer = BrowserMiddlewareStack(view)(RequestFactory().get("/admin/"))

        assert (answer.content, heard) == (b"/admin/", ["first", "second", "third"])

    def test_asks_before_a_view_until_one_answers(self, heard: list[str]) -> None:
        answer = BrowserMiddlewareStack(view).process_view(RequestFactory().get("/admin/"), view, (), {})

        assert answer is not None
        assert (answer.status_code, heard) == (403, ["first before view", "second before view"])

    @pytest.mark.parametrize("path", ["/gateway/demo/transaction", "/v1/demo/engine/orders/sst", "/sandbox/demo/clock"])
    def test_is_passed_by_by_the_partners_planes(self, heard: list[str], path: str) -> None:
        request, middleware = RequestFactory().post(path), BrowserMiddlewareStack(view)

        assert middleware.process_view(request, view, (), {}) is None
        assert middleware(request).content.decode() == path
        assert heard == []

    @pytest.mark.parametrize("path", ["/", "/checkout/demo/sessions", "/manager/v1/smallcases", "/v1", "/admin/v1/"])
    def test_is_passed_by_by_nothing_else(self, heard: list[str], path: str) -> None:
        BrowserMiddlewareStack(view)(RequestFactory().get(path))

        assert heard == ["first", "second", "third"]

    def test_answers_for_one_that_crashed(self, settings: Any) -> None:
        settings.BROWSER_MIDDLEWARE = [f"{__name__}.Crashing"]

        answer = Client(raise_request_exception=False).get("/healthz")

        assert (answer.status_code, answer.json()["errorType"]) == (500, "InternalError")


class TestThePartnersPlanes:
    def test_hold_no_view_that_asks_for_no_credentials_of_its_own(self) -> None:
        beneath = [(path, callback) for path, callback in routes(get_resolver()) if path.startswith(API_PREFIXES)]

        assert beneath
        assert [path for path, callback in beneath if not issubclass(callback.cls, BaseView)] == []
        assert [path for path, callback in beneath if not callback.csrf_exempt] == []

    @pytest.mark.usefixtures("db")
    def test_set_no_cookie_and_take_none(self) -> None:
        client = Client()
        client.cookies["sessionid"] = "x" * 32

        answer = client.get("/v1/demo/engine/transactiondetails")

        assert (answer.status_code, answer.cookies.output(), answer.has_header("Vary")) == (404, "", False)
        assert answer["X-Frame-Options"] == "DENY"
