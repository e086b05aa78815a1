"""What every plane's views have in common, once it is known who calls: a POST may carry an Idempotency-Key."""

import json
from dataclasses import dataclass
from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from gateway import clock
from gateway.idempotency import HEADER, Keyed, Stored, Turn, begin, checked_key, fingerprint, settle

REPLAYED: Final = "Idempotency-Replayed"


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose request it is: a gateway's, with or without a connected user, or a manager's."""

    gateway_id: int | None = None
    account_id: int | None = None
    user_id: int | None = None


class Replay(Exception):
    """There is nothing to carry out: the answer is known."""

    def __init__(self, stored: Stored) -> None:
        super().__init__(stored.status)
        self.stored = stored


class PlaneView(APIView):
    """Who calls is known before anything else is looked at; then the key, then the body."""

    turn: Turn | None = None  # of a POST with a key

    @property
    def identity(self) -> Identity:
        raise NotImplementedError

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        key = request.headers.get(HEADER)
        if key is not None and request.method == "POST" and hasattr(self, "post"):
            self._take_turn(request, checked_key(key))

    def _take_turn(self, request: Request, key: str) -> None:
        who = self.identity
        sent = fingerprint(
            method="POST",
            path=request.get_full_path(),
            caller=f"{who.gateway_id} {who.account_id} {who.user_id}",
            body=request._request.body,  # DRF reads it from there again
        )
        keyed = Keyed(gateway_id=who.gateway_id, user_id=who.user_id, key=key, fingerprint=sent)
        begun = begin(keyed=keyed, now=clock.wall())
        if isinstance(begun, Stored):
            raise Replay(begun)
        self.turn = begun

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, Replay):
            return Response(json.loads(exc.stored.body), status=exc.stored.status, headers={REPLAYED: "true"})
        return super().handle_exception(exc)

    def raise_uncaught_exception(self, exc: Exception) -> Any:
        """A bug: Django answers 500, which is not kept."""
        if self.turn:
            settle(self.turn, status=500, error_type=None, body="", now=clock.wall())
        super().raise_uncaught_exception(exc)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        final = super().finalize_response(request, response, *args, **kwargs)
        if self.turn:
            final.render()  # Django's handler finds it done
            error_type = final.data.get("errorType")
            body = final.content.decode()
            settle(self.turn, status=final.status_code, error_type=error_type, body=body, now=clock.wall())
        return final
