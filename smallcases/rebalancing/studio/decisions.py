"""The preview page of a draft, and the decision on it: publish, propose, withdraw, approve or discard."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from gateway.console.charts import Pair, pairs
from gateway.console.read_only_admin import actor_of
from gateway.console.row_actions import require
from gateway.partners import clock
from gateway.values.errors import GatewayError
from smallcases.api.manager_access import PERMISSION
from smallcases.models import DraftState, RebalanceDraft
from smallcases.rebalancing import draft_workflow
from smallcases.rebalancing.drafts import weighted_of
from smallcases.rebalancing.publication_preview import Preview, rebalance_preview
from smallcases.rebalancing.studio.editor import own, revision
from smallcases.rebalancing.studio.views import (
    APPROVES,
    DRAFT,
    SEES,
    SMALLCASE,
    draft_of,
    is_manager_of,
    page,
    show_refusal,
)


@require_safe
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    user = require(request, SEES)
    draft = draft_of(user, pk)
    constituents, wrong = weighted_of(draft_workflow.draft_lines(draft))
    seen = None if wrong else rebalance_preview(smallcase=draft.smallcase, constituents=constituents, now=clock.wall())
    refusals = [] if wrong else draft_workflow.refusals(draft)
    is_own = is_manager_of(user, draft.smallcase)
    return page(
        request,
        "preview",
        f"Preview of {draft.smallcase}",
        draft=draft,
        smallcase=draft.smallcase,
        preview=seen,
        wrong=wrong or refusals,
        picture=seen and _picture(seen),
        needs_approval=settings.REBALANCE_FOUR_EYES,
        is_proposed=draft.state == DraftState.PROPOSED,
        may_write=is_own,
        may_go_on=is_own and not (wrong or refusals),
        may_approve=user.has_perm(APPROVES) and user.pk not in {draft.proposed_by_id, draft.edited_by_id},
    )


@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """The manager may `publish`, `propose` and `discard`; another person may `approve`; both may send it `back`."""
    user = require(request, PERMISSION, APPROVES)
    draft = draft_of(user, pk)
    try:
        return _decided(request, draft, user)
    except GatewayError as refusal:
        show_refusal(request, refusal)
        return redirect("admin:studio_preview", pk=pk)


def _decided(request: HttpRequest, draft: RebalanceDraft, user: User) -> HttpResponse:
    given, seen, actor, now = request.POST, revision(request), actor_of(request), clock.wall()
    if "approve" in given:
        require(request, APPROVES)
        version = draft_workflow.approve(draft=draft, seen=seen, by=user, actor=actor, now=now)
        messages.success(request, f"Approved: version {version.number} is published. Its investors are being notified.")
        return redirect(SMALLCASE, pk=draft.smallcase_id)
    if "back" in given:
        if not (user.has_perm(APPROVES) or is_manager_of(user, draft.smallcase)):
            raise PermissionDenied
        draft_workflow.take_back(draft=draft, seen=seen, note=given.get("note", ""), actor=actor)
        messages.success(request, "The draft is open for editing again. Nothing was published.")
        return redirect(SMALLCASE, pk=draft.smallcase_id)
    own(request, draft.pk)
    if "publish" in given:
        version = draft_workflow.publish(draft=draft, seen=seen, by=user, actor=actor, now=now)
        messages.success(request, f"Version {version.number} is published. Its investors are being notified.")
    elif "propose" in given:
        draft_workflow.propose(draft=draft, seen=seen, by=user, actor=actor)
        messages.success(request, "Proposed. Another person must approve it.")
    elif "discard" in given:
        draft_workflow.discard(draft=draft, seen=seen, actor=actor)
        messages.success(request, "Draft discarded.")
    else:
        return redirect(DRAFT, pk=draft.pk)
    return redirect(SMALLCASE, pk=draft.smallcase_id)


def _picture(seen: Preview) -> str:
    shown = [Pair(change.ticker, float(change.before), float(change.after)) for change in seen.changes]
    return pairs("Changed weights", shown)
