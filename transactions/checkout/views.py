"""Views of the Browser API: a partner's page opens a checkout and reads its outcome."""

from rest_framework.request import Request
from rest_framework.response import Response

from gateway.api.browser_views import BrowserView
from gateway.api.partner_views import ok
from gateway.partners import clock
from gateway.values.errors import NotFound
from transactions.checkout import openapi, payloads, sessions
from transactions.checkout.outcomes import outcome_for
from transactions.checkout.serializers import OpenSession, OutcomeIn
from transactions.queries import selectors


class Sessions(BrowserView):
    @openapi.OPEN
    def post(self, request: Request, gateway: str) -> Response:
        caller = self.caller
        wanted = OpenSession.parse(request.data)
        session_request = OpenSession.session_request(
            wanted, origin=self.origin, allowed=caller.gateway.allowed_origins
        )
        transaction = selectors.transaction_of(caller.gateway, wanted["transactionId"], account=caller.account)
        now = clock.now(caller.gateway)
        session, token = sessions.open_session(
            transaction=transaction, account=caller.account, session_request=session_request, now=now
        )
        return ok(payloads.opened(session, token, now, base=request.build_absolute_uri("/")))


class SessionOutcome(BrowserView):
    @openapi.OUTCOME
    def post(self, request: Request, gateway: str) -> Response:
        caller = self.caller
        asked = OutcomeIn.parse(request.data)
        session = selectors.session_of(caller.gateway, asked["sessionId"], origin=self.origin, account=caller.account)
        if session is None:
            raise NotFound("There is no checkout with this id.")
        verifier, code = asked.get("codeVerifier", ""), asked.get("resultCode", "")
        now = clock.now(caller.gateway)
        return ok(outcome_for(session, verifier=verifier, code=code, left=asked["left"], now=now))
