"""The shop behind granian's RSGI: `granian --interface rsgi shop.server:application`.

The event loop gathers a body, with a limit of size and time, before one of few threads looks at it: over WSGI those who
never finish theirs would hold them all.
"""

from asyncio import get_running_loop, timeout
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol

from shop import handlers, pages
from shop.answering import Answer, headers_of, refused
from shop.asking import LARGEST, Asked, Refusal, asked
from shop.config import Config, read_config
from shop.partner import GatewayUnreachable, Refused
from shop.store import Store

SAFE: Final = frozenset({"GET", "HEAD"})
THREADS: Final = 8
BODY_SECONDS: Final = 10
Sent = tuple[int, list[tuple[str, str]], bytes]


class Exchange(Protocol):
    def __aiter__(self) -> AsyncIterator[bytes]: ...
    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None: ...


class Server:
    def __init__(self, config: Config) -> None:
        self._sites = config.sites
        self._shop = handlers.Shop(config.partner, Store(config.database))
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="shop")

    async def __rsgi__(self, scope: Any, exchange: Exchange) -> None:
        """`scope` is granian's: method, path, query_string and headers."""
        try:
            body = await _arrived(exchange)
        except TimeoutError:
            answer = refused(408, "The body did not arrive in time.")
            exchange.response_bytes(answer.status, headers_of(answer, None), answer.content)
            return
        headers = dict(scope.headers.items())
        request = (scope.method, scope.path, scope.query_string, headers, body)
        exchange.response_bytes(*await get_running_loop().run_in_executor(self._threads, self.answer, *request))

    def answer(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Sent:
        """Header names in lower case."""
        request = None
        try:
            request = asked(method=method, path=path, query=query, headers=headers, body=body, sites=self._sites)
            answer = _answer(request, self._shop)
        except Refusal as refusal:
            answer = refused(refusal.status, str(refusal))
        return answer.status, headers_of(answer, request), b"" if method == "HEAD" else answer.content


async def _arrived(exchange: Exchange) -> bytes:
    """Whole, or more than is taken of it."""
    content = bytearray()
    async with timeout(BODY_SECONDS):
        async for chunk in exchange:
            content += chunk
            if len(content) > LARGEST:
                break
    return bytes(content)


def _answer(request: Asked, here: handlers.Shop) -> Answer:
    method = "GET" if request.method in SAFE else request.method
    if method == "GET" and (page := pages.page(request.path, request.site)):
        _welcome(request)
        return page
    handler = handlers.HANDLERS.get((method, request.path))
    if handler is None:
        raise _no_door(request)
    try:
        return handler(here, request)
    except GatewayUnreachable as silence:
        return refused(503, str(silence), "Nothing was ordered that you have not confirmed. Try again in a moment.")
    except Refused as refusal:
        return refused(_passed_on(refusal.status), *refusal.sentences)


def _no_door(request: Asked) -> Refusal:
    if any(path == request.path for _, path in handlers.HANDLERS) or pages.page(request.path, request.site):
        return Refusal(405, f"{request.method} is not allowed here.")
    return Refusal(404, "There is nothing at this path.")


def _passed_on(status: int) -> int:
    """The gateway's own trouble, or a secret of ours that it does not know, is no fault of the page."""
    return 502 if status >= 500 or status in {401, 403} else status


def _welcome(request: Asked) -> None:
    """A new visitor's cookie comes with the page itself, so that two calls at once do not get two."""
    if request.path == "/" and not request.cookie:
        request.give_cookie()


def __getattr__(name: str) -> Server:
    """Made when it is asked for: a test that imports this module has no environment for it."""
    if name == "application":
        return Server(read_config())
    raise AttributeError(name)
