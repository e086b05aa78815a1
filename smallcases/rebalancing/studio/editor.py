"""The draft editor. Every button saves the form first, so the editor works without JavaScript."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from brokers.models import Instrument
from gateway.console.read_only_admin import actor_of
from gateway.console.row_actions import require
from gateway.http.middleware import takes_a_file
from gateway.values.errors import GatewayError, Invalid
from gateway.values.text_files import text_of
from smallcases.api.manager_access import PERMISSION
from smallcases.catalogue.selectors import instruments_of, newest_version_of, weights_of
from smallcases.catalogue.weights import WHOLE
from smallcases.models import DraftState, RebalanceDraft
from smallcases.rebalancing import draft_workflow, drafts
from smallcases.rebalancing.drafts import DraftLine
from smallcases.rebalancing.rebalance_files import rebalance_of
from smallcases.rebalancing.studio.views import DRAFT, SEES, draft_of, is_manager_of, page, show_refusal

MOST_FOUND: Final = 12
LONGEST_TERM: Final = 60


def draft(request: HttpRequest, pk: int) -> HttpResponse:
    """GET shows the draft and search results; POST saves the form and then does the pressed button's action."""
    user = require(request, SEES)
    found = draft_of(user, pk)
    if request.method == "POST":
        return _pressed(request, found, user)
    return _shown(request, found, user)


def own(request: HttpRequest, pk: int) -> tuple[RebalanceDraft, User]:
    """The draft, if this user may edit it. Raises PermissionDenied."""
    user = require(request, PERMISSION)
    found = draft_of(user, pk)
    if not is_manager_of(user, found.smallcase):
        raise PermissionDenied
    return found, user


def revision(request: HttpRequest) -> int:
    """The revision on the user's page; 0, which no draft has, if it is missing."""
    given = request.POST.get("revision", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0


@takes_a_file
@require_POST
def file(request: HttpRequest, pk: int) -> HttpResponse:
    """Replaces the draft's lines with a file's."""
    found, user = own(request, pk)
    sent = request.FILES.get("file")
    try:
        if sent is None:
            raise Invalid("Choose a file.")
        name = str(sent.name)[-60:]
        read = rebalance_of(text_of(sent.read(), name), name)
        wrong = [f"Line {reject.line}: {reject.reason}" for reject in read.rejects]
        if wrong and not read.constituents:
            raise Invalid(*wrong[:MOST_FOUND])
        draft_workflow.edit(
            draft=found,
            seen=revision(request),
            lines=drafts.lines_of(read.constituents),
            label=read.label or found.label,
            rationale=read.rationale or found.rationale,
            by=user,
            actor=actor_of(request),
        )
        messages.success(request, f"{len(read.constituents)} constituents imported from {name}.")
        for sentence in wrong[:MOST_FOUND]:
            messages.warning(request, sentence)
    except GatewayError as refusal:
        show_refusal(request, refusal)
    return redirect(DRAFT, pk=pk)


def _pressed(request: HttpRequest, found: RebalanceDraft, user: User) -> HttpResponse:
    own(request, found.pk)
    given = request.POST
    try:
        draft_workflow.edit(
            draft=found,
            seen=revision(request),
            lines=_changed(request, _typed(request)),
            label=given.get("label", ""),
            rationale=given.get("rationale", "").replace("\r\n", "\n"),
            by=user,
            actor=actor_of(request),
        )
    except GatewayError as refusal:
        show_refusal(request, refusal)
        return redirect(DRAFT, pk=found.pk)
    if "preview" in given:
        return redirect("admin:studio_preview", pk=found.pk)
    term = given.get("term", "").strip()[:LONGEST_TERM].replace("\0", "") if "find" in given else ""
    return redirect(reverse(DRAFT, args=[found.pk]) + (f"?{urlencode({'q': term})}#found" if term else ""))


def _typed(request: HttpRequest) -> list[DraftLine]:
    tickers, weights = request.POST.getlist("ticker"), request.POST.getlist("weight")
    if len(tickers) != len(weights):
        raise Invalid("A ticker has no weight field; nothing was saved.")
    return [DraftLine(ticker.strip(), weight.strip()) for ticker, weight in zip(tickers, weights, strict=True)]


def _changed(request: HttpRequest, lines: list[DraftLine]) -> Sequence[DraftLine]:
    """The lines after the pressed button's action; Save changes none."""
    added, removed = request.POST.get("add", ""), request.POST.get("remove", "")
    if removed:
        return [line for line in lines if line.ticker != removed]
    if added:
        return _with(lines, added)
    if "even" in request.POST:
        return drafts.even(lines)
    return drafts.scaled(lines) if "scale" in request.POST else lines


def _with(lines: list[DraftLine], ticker: str) -> list[DraftLine]:
    """Adds `ticker` with the rest up to 100 per cent as its weight."""
    if any(line.ticker == ticker for line in lines):
        raise Invalid(f"{ticker} is already in the draft.")
    if "\0" in ticker or ticker not in instruments_of([ticker]):
        raise Invalid(f"{ticker[: drafts.LONGEST_TICKER]} is not in the catalogue of instruments.")
    left = WHOLE - drafts.total(lines)
    return [*lines, DraftLine(ticker, drafts.plain(left) if left > 0 else "")]


@require_safe
def _shown(request: HttpRequest, found: RebalanceDraft, user: User) -> HttpResponse:
    lines = draft_workflow.draft_lines(found)
    newest = newest_version_of(found.smallcase.scid)
    known, before = instruments_of([line.ticker for line in lines]), weights_of(newest)
    rows = [(line, known.get(line.ticker), before.get(line.ticker)) for line in lines]
    term = request.GET.get("q", "").strip()[:LONGEST_TERM]
    return page(
        request,
        "draft",
        f"Rebalance {found.smallcase}",
        draft=found,
        smallcase=found.smallcase,
        rows=rows,
        gone=[(ticker, weight) for ticker, weight in before.items() if ticker not in {line.ticker for line in lines}],
        total=drafts.total(lines),
        wrong=drafts.weighted_of(lines)[1],
        newest=newest,
        is_stale=found.on_top_of != newest.number,
        term=term,
        found=_search(term, {line.ticker for line in lines}) if term else None,
        may_write=is_manager_of(user, found.smallcase) and found.state == DraftState.EDITED,
    )


def _search(term: str, taken: set[str]) -> list[Instrument]:
    rows = Instrument.objects.filter(Q(symbol__icontains=term) | Q(name__icontains=term)).exclude(symbol__in=taken)
    # The exact symbol is first, then tradable instruments.
    exact = list(rows.filter(symbol__iexact=term))
    others = rows.exclude(symbol__iexact=term).order_by("-tradable", "symbol")[:MOST_FOUND]
    return [*exact, *others]
