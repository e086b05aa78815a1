"""Views that a partner's page calls from a user's browser. The Origin is checked (CORS).

The JWT names the user; without one, the user is a guest.

A page of another origin gets 403 and can read nothing. Browsers send Origin with every POST, and pages cannot choose
it; a request without Origin does not come from a page.
"""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from gateway.api.base_view import Identity
from gateway.api.partner_views import PartnerView
from gateway.http.client_address import remote_network
from gateway.models import Gateway
from gateway.partners import clock
from gateway.partners.authentication import Caller, browser_caller
from gateway.values.errors import ErrorType, GatewayError
from gateway.values.origins import is_allowed

PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "content-type, idempotency-key, request-id, x-gateway-authtoken",
    "Access-Control-Max-Age": "600",
}
READABLE: Final = "Idempotency-Replayed, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Request-Id, Retry-After"


class ForeignOrigin(GatewayError):
    """The gateway does not allow this origin."""

    status, error_type = 403, ErrorType.INVALID_GATEWAY


class BrowserView(PartnerView):
    @property
    def identity(self) -> Identity:
        account = self.caller.account
        address = remote_network(self.request.META)
        return Identity(self.caller.gateway.pk, account.pk if account else None, address=address)

    @property
    def origin(self) -> str:
        """The request's origin, which was checked before the body was read."""
        return self.request.headers["Origin"]

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [BrowserAuthentication()]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answers a preflight before authentication, because it carries no credentials."""
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            response = HttpResponse(status=204)
            headers = PREFLIGHT if _allow(request, response, kwargs["gateway"]) else {}
            for name, value in headers.items():
                response[name] = value
            return response
        return super().dispatch(request, *args, **kwargs)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Adds the CORS headers to errors as well, so that the page can read them."""
        final = super().finalize_response(request, response, *args, **kwargs)
        _allow(request._request, final, self.kwargs["gateway"])
        final["Cache-Control"] = "no-store"
        return final


class BrowserAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Caller, None]:
        name = str(request.parser_context["kwargs"]["gateway"])
        caller = browser_caller(name, request.headers.get("x-gateway-authtoken", ""), now=clock.wall())
        if not is_allowed(request.headers.get("Origin", ""), caller.gateway.allowed_origins):
            raise ForeignOrigin("This gateway does not allow pages of this origin; --allowed-origin adds an origin.")
        return caller, None


def _allow(request: HttpRequest, response: HttpResponse, gateway: str) -> bool:
    response["Vary"] = "Origin"
    origin = request.headers.get("Origin", "")
    allowed = Gateway.objects.filter(name=gateway).values_list("allowed_origins", flat=True).first()
    if not is_allowed(origin, allowed or ()):
        return False
    response["Access-Control-Allow-Origin"] = origin
    response["Access-Control-Expose-Headers"] = READABLE
    return True
