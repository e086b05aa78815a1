"""The demo site: `granian --interface asgi --factory shop.app:create_app`."""

from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from shop import sandbox, views
from shop.config import Config, read_config
from shop.gatekeeper import WEBHOOKS, Gatekeeper, error
from shop.partner import GatewayUnreachable, Refused
from shop.snippets import WEB
from shop.store import Store

MAX_BODY_BYTES: Final = 64 * 1024
ROUTES: Final = [
    Route("/", views.page),
    Mount("/assets", StaticFiles(directory=WEB)),
    Route(WEBHOOKS, views.receive_webhook, methods=["POST"]),
    Route("/api/me", views.me),
    Route("/api/connect", views.connect, methods=["POST"]),
    Route("/api/disconnect", views.disconnect, methods=["POST"]),
    Route("/api/order/basket", views.buy_basket, methods=["POST"]),
    Route("/api/order/buy", views.buy_smallcase, methods=["POST"]),
    Route("/api/order/on", views.order_on_investment, methods=["POST"]),
    Route("/api/order/errand", views.change_investment, methods=["POST"]),
    Route("/api/order/account", views.connect_account, methods=["POST"]),
    Route("/api/smallcases", views.smallcases),
    Route("/api/smallcase", views.smallcase),
    Route("/api/chart", views.chart),
    Route("/api/investments", views.investments),
    Route("/api/orders", views.orders),
    Route("/api/webhooks", views.hits),
    Route("/api/code", views.code),
    Route("/api/sandbox", sandbox.state),
    Route("/api/sandbox/clock", sandbox.move_clock, methods=["POST"]),
    Route("/api/sandbox/market", sandbox.set_hours, methods=["POST"]),
    Route("/api/sandbox/price", sandbox.fix_price, methods=["POST"]),
    Route("/api/sandbox/rebalance", sandbox.publish_rebalance, methods=["POST"]),
    Route("/api/sandbox/faults", sandbox.faults),
    Route("/api/sandbox/faults", sandbox.switch_fault, methods=["POST"]),
    Route("/api/sandbox/reset", sandbox.reset, methods=["POST"]),
]


def create_app(config: Config | None = None) -> Starlette:
    """Without `config` the app reads its environment."""
    config = config or read_config()
    app = Starlette(
        routes=ROUTES,
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=Gatekeeper(config.sites))],
        exception_handlers={
            HTTPException: _http_error,
            Refused: _gateway_refused,
            GatewayUnreachable: _gateway_unreachable,
        },
        max_body_size=MAX_BODY_BYTES,
    )
    app.state.partner, app.state.store = config.partner, Store(config.database)
    return app


# Starlette's type for a handler takes no narrower exception than Exception, hence Any.
def _http_error(request: Request, refusal: Any) -> Response:
    return error(refusal.status_code, refusal.detail)


def _gateway_refused(request: Request, refusal: Any) -> Response:
    """A fault of the gateway, or a wrong secret of the shop's, is not the page's fault: 502."""
    is_ours = refusal.status >= 500 or refusal.status in {401, 403}
    return error(502 if is_ours else refusal.status, *refusal.sentences)


def _gateway_unreachable(request: Request, silence: Any) -> Response:
    return error(503, str(silence), "Nothing was ordered that you have not confirmed. Try again in a moment.")
