"""Views of the catalogue and the Manager API."""

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from gateway.api.partner_views import PartnerView, flag, ok
from gateway.console.read_only_admin import actor_of
from gateway.partners import clock
from smallcases.api import payloads
from smallcases.api.manager_access import ManagerView, smallcase_managed_by
from smallcases.api.openapi import CHART, LIST, PROFILE, PUBLISH, VERSIONS
from smallcases.api.serializers import ChartQuery, RebalanceIn, SmallcasesQuery
from smallcases.catalogue import selectors
from smallcases.rebalancing.draft_workflow import SecondNeeded
from smallcases.rebalancing.publication_preview import rebalance_preview
from smallcases.rebalancing.publishing import publish_rebalance


class Smallcases(PartnerView):
    @LIST
    def get(self, request: Request, gateway: str) -> Response:
        here = self.caller.gateway
        page, total = selectors.catalogue(here, SmallcasesQuery.request_from(request.query_params), now=clock.now(here))
        return ok(payloads.smallcases(page, total))


class Profile(PartnerView):
    @PROFILE
    def get(self, request: Request, gateway: str) -> Response:
        here = self.caller.gateway
        version = selectors.newest_version_of(request.query_params.get("scid", ""))
        (one,) = selectors.listed([version], here, now=clock.now(here))
        return ok(payloads.profile(one))


class Chart(PartnerView):
    @CHART
    def get(self, request: Request, gateway: str) -> Response:
        wanted = ChartQuery.of(request.query_params)
        smallcase = selectors.smallcase_of(wanted["scid"])
        duration, base = wanted["duration"], wanted["base"]
        drawn = selectors.chart(smallcase, months=selectors.DURATIONS[duration], base=base)
        return ok(payloads.chart(smallcase, drawn, duration=duration, base=base))


class Rebalances(ManagerView):
    @VERSIONS
    def get(self, request: Request, scid: str) -> Response:
        smallcase = smallcase_managed_by(self.manager, scid)
        return ok([payloads.version_with_progress(version) for version in selectors.versions_of(smallcase)])

    @PUBLISH
    def post(self, request: Request, scid: str) -> Response:
        smallcase = smallcase_managed_by(self.manager, scid)
        now = clock.wall()
        if flag(request, "dryRun"):
            constituents = RebalanceIn.preview_of(request.data)
            return ok(payloads.preview(rebalance_preview(smallcase=smallcase, constituents=constituents, now=now)))
        if settings.REBALANCE_FOUR_EYES:
            raise SecondNeeded("A second person must approve a rebalance. Propose it in the console.")
        wanted = RebalanceIn.request_from(request.data)
        actor = actor_of(request._request)
        made = publish_rebalance(smallcase=smallcase, by=self.manager, actor=actor, now=now, **wanted)
        return ok(payloads.version(made))
