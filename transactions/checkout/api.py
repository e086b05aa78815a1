"""The browser plane's doors: a partner's page opens a checkout, and asks how it ended."""

from rest_framework.request import Request
from rest_framework.response import Response

from gateway import clock
from gateway.browser_plane import BrowserView
from gateway.errors import NotFound
from gateway.planes import ok
from transactions import selectors
from transactions.checkout import openapi, payloads
from transactions.checkout.serializers import OpenSession, OutcomeIn
from transactions.modes import Reason
from transactions.services import sessions


class Sessions(BrowserView):
    @openapi.OPEN
    def post(self, request: Request, gateway: str) -> Response:
        caller = self.caller
        wanted = OpenSession.parse(request.data)
        door = OpenSession.door(wanted, origin=self.origin, allowed=caller.gateway.allowed_origins)
        transaction = selectors.transaction_of(caller.gateway, wanted["transactionId"], account=caller.account)
        now = clock.now(caller.gateway)
        session, token = sessions.open_session(transaction=transaction, account=caller.account, door=door, now=now)
        return ok(payloads.opened(session, token, now, base=request.build_absolute_uri("/")))


class Outcome(BrowserView):
    @openapi.OUTCOME
    def post(self, request: Request, gateway: str) -> Response:
        """`left`: the window is gone, so whatever was not confirmed by now will not be."""
        caller = self.caller
        asked = OutcomeIn.parse(request.data)
        session = selectors.session_of(caller.gateway, asked["sessionId"], origin=self.origin, account=caller.account)
        if session is None:
            raise NotFound("There is no checkout of this id.")
        now = clock.now(caller.gateway)
        if asked["left"]:
            sessions.leave(session=session, reason=Reason.CLOSED, now=now)
        sessions.notice_expiry(session=session, now=now)
        return ok(payloads.outcome(session, selectors.orders_of(session.transaction), now))
