"""The base of all APIs' views: authentication, rate limits, and the Idempotency-Key of a POST."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from gateway.api.idempotency import (
    HEADER,
    Keyed,
    Stored,
    Turn,
    begin,
    checked_key,
    fingerprint,
    first_fingerprint,
    settle,
)
from gateway.api.rate_limits import Budget, RateLimited, count_wrong_secret, spend
from gateway.http.client_address import remote_network
from gateway.partners import clock
from gateway.telemetry.route_names import route_of
from gateway.values.errors import WrongSecret

REPLAYED: Final = "Idempotency-Replayed"


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller: a gateway, with or without a connected user, or a manager."""

    gateway_id: int | None = None
    account_id: int | None = None
    user_id: int | None = None
    address: str | None = None  # of a browser; browsers have a limit apart from the partner's server

    def limits(self) -> Iterator[tuple[str, str]]:
        """The narrowest limit first, so that one busy user does not use up the partner's limit."""
        if self.account_id is not None:
            yield settings.RATE_LIMIT_ACCOUNT, f"account {self.account_id}"
        if self.user_id is not None:
            yield settings.RATE_LIMIT_ACCOUNT, f"user {self.user_id}"
        if self.address is not None:
            yield settings.RATE_LIMIT_BROWSER, f"browser {self.address} {self.gateway_id}"
            yield settings.RATE_LIMIT_GATEWAY, f"browsers {self.gateway_id}"
        elif self.gateway_id is not None:
            yield settings.RATE_LIMIT_GATEWAY, f"gateway {self.gateway_id}"


class IdempotentReplay(Exception):
    """Ends the request early, because its response is already known."""

    def __init__(self, stored: Stored) -> None:
        super().__init__(stored.status)
        self.stored = stored


class BaseView(APIView):
    """Checks the caller first, then the rate limits, then the key, then the body."""

    turn: Turn | None = None  # only for a POST with a key
    budget: Budget | None = None  # the limit with the fewest requests left

    @property
    def identity(self) -> Identity:
        raise NotImplementedError

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self._count_request()
        key = request.headers.get(HEADER)
        if key is not None and request.method == "POST" and hasattr(self, "post"):
            self._take_turn(request, checked_key(key))

    def perform_authentication(self, request: Request) -> None:
        """Runs first, so that wrong credentials are reported before a wrong body. Counts wrong secrets by address."""
        try:
            request.user  # noqa: B018  # evaluated for its refusals
        except WrongSecret:
            guesser = f"{remote_network(request.META)} {self.kwargs.get('gateway', 'manager')}"
            self.budget = count_wrong_secret(guesser, now=clock.wall())
            raise

    def _count_request(self) -> None:
        now = clock.wall()
        for rate, caller in self.identity.limits():
            budget = spend(rate, caller, now=now)
            if budget and (self.budget is None or budget.remaining < self.budget.remaining):
                self.budget = budget
            if budget and budget.is_overdrawn:
                many = f"More than {budget.limit} requests in {budget.period} s"
                raise RateLimited(many, retry_after=budget.reset, scope=caller.partition(" ")[0])

    def _take_turn(self, request: Request, key: str) -> None:
        who, http = self.identity, request._request
        # Not the path as it was sent, because the gateway's name in it may be in any case.
        path = f"{route_of(http)} {json.dumps(self.kwargs)}?{http.META['QUERY_STRING']}"
        sent: dict[str, Any] = {
            "method": "POST",
            "caller": f"{who.gateway_id} {who.account_id} {who.user_id}",
            "body": http.body,  # DRF reads the body from it again
        }
        keyed = Keyed(
            gateway_id=who.gateway_id,
            user_id=who.user_id,
            key=key,
            fingerprint=fingerprint(path=path, **sent),
            first_fingerprint=first_fingerprint(path=http.get_full_path(), **sent),
        )
        begun = begin(keyed=keyed, now=clock.wall())
        if isinstance(begun, Stored):
            raise IdempotentReplay(begun)
        self.turn = begun

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, IdempotentReplay):
            return Response(json.loads(exc.stored.body), status=exc.stored.status, headers={REPLAYED: "true"})
        return super().handle_exception(exc)

    def raise_uncaught_exception(self, exc: Exception) -> Any:
        """A bug: Django answers 500, and the response is not stored."""
        if self.turn:
            settle(self.turn, status=500, error_type=None, body="", now=clock.wall())
        super().raise_uncaught_exception(exc)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        for name, value in self.budget.headers.items() if self.budget else ():
            response[name] = value
        final = super().finalize_response(request, response, *args, **kwargs)
        if self.turn:
            final.render()  # Django's handler then does not render again
            error_type = final.data.get("errorType")
            body = final.content.decode()
            settle(self.turn, status=final.status_code, error_type=error_type, body=body, now=clock.wall())
        return final
