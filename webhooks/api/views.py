"""Views for webhooks in the Partner API: parse, one call inward, answer.

A connected user's token lists and replays that user's own events. Enabling an endpoint and sending test events need a
guest's token, which only the partner's server uses: with a user's token anybody could flood the partner.
"""

from rest_framework.request import Request
from rest_framework.response import Response

from gateway.api.partner_views import PartnerView, SandboxView, ok
from gateway.partners import clock
from webhooks.api import openapi, payloads
from webhooks.api.serializers import EnableIn, EventsQuery, ReplayIn, SampleIn
from webhooks.delivery.endpoints import enable
from webhooks.events import selectors
from webhooks.events.event_types import EventType
from webhooks.events.replay import Span, recover, replay_events, start_replay
from webhooks.events.send_test_event import send_sample


class Events(PartnerView):
    @openapi.EVENTS
    def get(self, request: Request, gateway: str) -> Response:
        wanted = EventsQuery.request_from(request.query_params)
        page = selectors.events_page(self.caller.gateway, wanted, auth_id=self.caller.auth_id)
        return ok(payloads.events_page(page))


class ReplayEvent(PartnerView):
    @openapi.REPLAY_EVENT
    def post(self, request: Request, gateway: str, event_id: str) -> Response:
        here = self.caller.gateway
        replay_events(gateway=here, keys=[event_id], auth_id=self.caller.auth_id, now=clock.now(here))
        return ok({"eventId": event_id})


class StartReplay(PartnerView):
    @openapi.REPLAY
    def post(self, request: Request, gateway: str) -> Response:
        here, auth_id = self.caller.gateway, self.caller.auth_id
        wanted = ReplayIn.request_from(request.data)
        if isinstance(wanted, Span):
            begun = start_replay(gateway=here, span=wanted, auth_id=auth_id, now=clock.now(here))
            return ok(payloads.progress(begun.key, begun.replayed, done=False))
        owed = replay_events(gateway=here, keys=wanted, auth_id=auth_id, now=clock.now(here))
        return ok(payloads.progress(None, owed, done=True))


class Replays(PartnerView):
    @openapi.REPLAY_PROGRESS
    def get(self, request: Request, gateway: str, key: str) -> Response:
        return ok(payloads.replay(selectors.replay_of(self.caller.gateway, key, auth_id=self.caller.auth_id)))


class Endpoints(PartnerView):
    @openapi.ENDPOINTS
    def get(self, request: Request, gateway: str) -> Response:
        return ok([payloads.endpoint(one) for one in selectors.endpoints_of(self.caller.gateway)])


class EnableEndpoint(PartnerView):
    @openapi.ENABLE
    def post(self, request: Request, gateway: str, endpoint_id: str) -> Response:
        here = self.caller.as_partner()
        since = EnableIn.since(request.data)
        endpoint = selectors.endpoint_of(here, endpoint_id)
        if since is None:
            enable(endpoint)
            return ok({"endpointId": endpoint_id, "replay": None})
        begun = recover(endpoint=endpoint, since=since, now=clock.now(here))
        return ok({"endpointId": endpoint_id, "replay": begun.key})


class SendTest(PartnerView):
    @openapi.TEST
    def post(self, request: Request, gateway: str) -> Response:
        self.caller.as_partner()
        return _sent(self, request, marked=True)


class Trigger(SandboxView):
    @openapi.TRIGGER
    def post(self, request: Request, gateway: str) -> Response:
        return _sent(self, request, marked=False)


def _sent(view: PartnerView, request: Request, *, marked: bool) -> Response:
    here = view.caller.gateway
    wanted = SampleIn.parse(request.data)
    endpoint = selectors.endpoint_of(here, wanted["endpointId"]) if "endpointId" in wanted else None
    kind = EventType(wanted["type"])
    event = send_sample(gateway=here, kind=kind, endpoint=endpoint, marked=marked, now=clock.now(here))
    return ok({"eventId": event.key, "type": event.type})
