"""The base views of the Partner and Sandbox API, with the credentials that each requires."""

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from gateway.api.base_view import BaseView, Identity
from gateway.http.envelope import done
from gateway.partners import clock
from gateway.partners.authentication import Caller, partner_caller, sandbox_caller
from gateway.values.errors import Invalid


def ok(data: Any) -> Response:
    return Response(done(data))


def flag(request: Request, name: str) -> bool:
    """A query parameter that is `true` or `false`; false if absent. Raises Invalid for any other text."""
    given = request.query_params.get(name, "false")
    if given not in {"true", "false"}:
        raise Invalid(f"{name}: must be true or false.")
    return given == "true"


class PartnerView(BaseView):
    """Server-to-server: secret and authtoken are checked first."""

    @property
    def identity(self) -> Identity:
        account = self.caller.account
        return Identity(gateway_id=self.caller.gateway.pk, account_id=account.pk if account else None)

    @property
    def caller(self) -> Caller:
        return self.request.user  # type: ignore[return-value]  # set by PartnerAuthentication

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [PartnerAuthentication()]


class SandboxView(PartnerView):
    """Test gateways only; needs the secret alone. A live gateway has no Sandbox API."""

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [SandboxAuthentication()]


class PartnerAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Caller, None]:
        secret, token = _header(request, "secret"), _header(request, "authtoken")
        return partner_caller(_gateway_in(request), secret, token, now=clock.wall()), None


class SandboxAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Caller, None]:
        return sandbox_caller(_gateway_in(request), _header(request, "secret")), None


def _gateway_in(request: Request) -> str:
    return str(request.parser_context["kwargs"]["gateway"])


def _header(request: Request, name: str) -> str:
    return request.headers.get(f"x-gateway-{name}", "")
