"""The rebalance studio in the console: the list of smallcases, and a smallcase's page with versions and draft."""

from typing import Any, Final

from django.contrib import messages
from django.contrib.admin import site
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, Prefetch, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_POST, require_safe

from gateway.console.read_only_admin import actor_of
from gateway.console.row_actions import require
from gateway.values.errors import GatewayError
from smallcases.api.manager_access import PERMISSION, visible_to
from smallcases.catalogue.selectors import versions_of
from smallcases.models import DraftState, RebalanceDraft, Smallcase, Version
from smallcases.rebalancing import draft_workflow
from smallcases.rebalancing.adoption import adoption_of, progress_of

SEES: Final = "smallcases.view_smallcase"
APPROVES: Final = "smallcases.approve_rebalance"
MOST_LISTED: Final = 500
VERSIONS: Final = 10
COUNTED: Final = 10_000
DRAFT: Final = "admin:studio_draft"
SMALLCASE: Final = "admin:studio_smallcase"


def is_manager_of(user: User, smallcase: Smallcase) -> bool:
    """Whether `user` may edit rebalances: as the smallcase's manager, or as a superuser."""
    return user.has_perm(PERMISSION) and (user.is_superuser or smallcase.manager_id == user.pk)


def page(request: HttpRequest, name: str, title: str, **shown: Any) -> HttpResponse:
    context = {**site.each_context(request), "title": title, **shown}
    return TemplateResponse(request, f"studio/{name}.html", context)


def show_refusal(request: HttpRequest, refusal: GatewayError) -> None:
    """Adds the error's sentences to the next page's messages."""
    for sentence in refusal.sentences:
        messages.error(request, sentence)


def seen_smallcases(user: User) -> QuerySet[Smallcase]:
    """Smallcases that `user` may see: see visible_to; approvers also see those with a proposed draft."""
    rows = Smallcase.objects.all()
    if not user.has_perm(APPROVES):
        return visible_to(user, rows)
    proposed = RebalanceDraft.objects.filter(state=DraftState.PROPOSED).values("smallcase")
    return rows.filter(Q(pk__in=visible_to(user, rows).values("pk")) | Q(pk__in=proposed))


def draft_of(user: User, pk: int) -> RebalanceDraft:
    """An open draft of a smallcase that the user may see, or a 404."""
    rows = RebalanceDraft.objects.exclude(state=DraftState.PUBLISHED).filter(smallcase__in=seen_smallcases(user))
    return get_object_or_404(rows.select_related("smallcase", "edited_by", "proposed_by"), pk=pk)


@require_safe
def smallcases(request: HttpRequest) -> HttpResponse:
    user = require(request, SEES)
    newest = Version.objects.filter(smallcase=OuterRef("pk")).order_by("-number")
    rows = seen_smallcases(user).select_related("manager").order_by("scid")
    rows = rows.annotate(
        number=Subquery(newest.values("number")[:1]), since=Subquery(newest.values("published_at")[:1])
    )
    shown = list(rows.prefetch_related(_open_drafts())[: MOST_LISTED + 1])
    is_cut = len(shown) > MOST_LISTED
    return page(request, "list", "Rebalance studio", smallcases=shown[:MOST_LISTED], is_cut=is_cut, most=MOST_LISTED)


@require_safe
def smallcase(request: HttpRequest, pk: int) -> HttpResponse:
    user = require(request, SEES)
    found = get_object_or_404(seen_smallcases(user).select_related("manager").prefetch_related(_open_drafts()), pk=pk)
    versions = list(versions_of(found).prefetch_related("draft__approved_by")[:VERSIONS])
    newest = versions[0] if versions else None
    rebalanced = newest if newest and newest.number > 1 else None
    return page(
        request,
        "smallcase",
        f"{found.scid} {found.name}",
        smallcase=found,
        newest=newest,
        versions=versions,
        draft=next(iter(vars(found)["open_drafts"]), None),
        progress=rebalanced and progress_of(rebalanced, at_most=COUNTED),
        adoption=rebalanced and adoption_of(rebalanced, at_most=COUNTED),
        counted=COUNTED,
        may_write=is_manager_of(user, found) and not found.is_archived,
    )


@require_POST
def open_draft(request: HttpRequest, pk: int) -> HttpResponse:
    user = require(request, PERMISSION)
    found = get_object_or_404(seen_smallcases(user), pk=pk)
    if not is_manager_of(user, found):
        raise PermissionDenied
    try:
        made = draft_workflow.open_draft(smallcase=found, by=user, actor=actor_of(request))
    except GatewayError as refusal:
        show_refusal(request, refusal)
        return redirect(SMALLCASE, pk=pk)
    return redirect(DRAFT, pk=made.pk)


def _open_drafts() -> "Prefetch[str, QuerySet[RebalanceDraft], str]":
    rows = RebalanceDraft.objects.exclude(state=DraftState.PUBLISHED).select_related("edited_by", "proposed_by")
    return Prefetch("drafts", rows, to_attr="open_drafts")
