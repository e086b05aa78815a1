"""A rebalance that is written, looked at by a second person where two are asked for, and published; each step audited.

`seen` is the draft's revision on the page that somebody acted upon. The UPDATE is the check: of two windows, or two
people, one goes on, and the other is told to look again.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.db.models import F
from django.db.transaction import atomic

from gateway.audit.trail import Actor
from gateway.values.errors import Conflict, GatewayError, Invalid
from smallcases.catalogue.selectors import newest_version_of, weights_of
from smallcases.catalogue.smallcase_files import storable
from smallcases.catalogue.weights import MOST, Weighted
from smallcases.models import DraftState, RebalanceDraft, Smallcase, Version
from smallcases.rebalancing.drafts import LONGEST_TICKER, LONGEST_WEIGHT, DraftLine, lines_of, weighted_of
from smallcases.rebalancing.publishing import LONGEST_LABEL, PublicationRequest, publish_within, refuse_unpublishable

LONGEST_RATIONALE = 20_000
LONGEST_NOTE = 500


class Overtaken(Conflict):
    """It is not what it was when it was looked at."""


class OwnDraft(Conflict):
    """Nobody approves their own."""


class SecondNeeded(Conflict):
    """Two are asked for, and this is one."""


def open_draft(*, smallcase: Smallcase, by: User, actor: Actor) -> RebalanceDraft:
    """From the newest version's weights. Of two at once the constraint lets one through."""
    newest = newest_version_of(smallcase.scid)
    if smallcase.is_archived:
        raise Conflict(f"{smallcase} is archived.")
    weights = [Weighted(ticker, weight) for ticker, weight in weights_of(newest).items()]
    made = RebalanceDraft(
        smallcase=smallcase,
        on_top_of=newest.number,
        lines=_kept(lines_of(weights)),
        edited_by=by,
        edited_at=actor.at,
    )
    try:
        with atomic(durable=True):
            made.save(force_insert=True)
            actor.record("open rebalance draft", _named(made), after=_facts(made))
    except IntegrityError:
        raise Conflict(f"{smallcase} has a draft already.") from None
    return made


def edit(
    *, draft: RebalanceDraft, seen: int, lines: Sequence[DraftLine], label: str, rationale: str, by: User, actor: Actor
) -> None:
    """Whatever can be kept is kept; it need not be a version yet. What changes nothing is no change."""
    _refuse_unstorable(lines, label, rationale)
    changed = {"lines": _kept(lines), "label": label.strip(), "rationale": rationale}
    before = _facts(draft)
    if draft.revision == seen and all(getattr(draft, name) == value for name, value in changed.items()):
        return
    with atomic(durable=True):
        _claim(draft, seen, DraftState.EDITED, edited_by=by, edited_at=actor.at, **changed)
        actor.record("edit rebalance draft", _named(draft), before=before, after=_facts(draft))


def discard(*, draft: RebalanceDraft, seen: int, actor: Actor) -> None:
    rows = RebalanceDraft.objects.filter(pk=draft.pk, revision=seen, state=DraftState.EDITED)
    with atomic(durable=True):
        if not rows.delete()[0]:
            raise _overtaken(draft)
        actor.record("discard rebalance draft", _named(draft), before=_facts(draft))


def propose(*, draft: RebalanceDraft, seen: int, by: User, actor: Actor) -> None:
    """To a second person. Refused as publishing it would be."""
    with atomic(durable=True):
        _claim(draft, seen, DraftState.EDITED, state=DraftState.PROPOSED, proposed_by=by, note="")
        refuse_unpublishable(newest_version_of(draft.smallcase.scid), publication_request_of(draft))
        actor.record("propose rebalance", _named(draft), after=_facts(draft), reason=draft.rationale)


def take_back(*, draft: RebalanceDraft, seen: int, note: str, actor: Actor) -> None:
    """By who proposed it, or declined by who was to approve it: it is being written again."""
    note = note.strip()[:LONGEST_NOTE]
    if not storable(note):
        raise Invalid("The note holds a character that no text can hold (NUL or a lone surrogate).")
    is_own = draft.proposed_by_id == (actor.user.pk if actor.user else None)
    with atomic(durable=True):
        _claim(draft, seen, DraftState.PROPOSED, state=DraftState.EDITED, proposed_by=None, note=note)
        actor.record("withdraw rebalance" if is_own else "decline rebalance", _named(draft), reason=note)


def publish(*, draft: RebalanceDraft, seen: int, by: User, actor: Actor, now: datetime) -> Version:
    """By one person, where one is enough. Raises SecondNeeded where it is not."""
    if settings.REBALANCE_FOUR_EYES:
        raise SecondNeeded("A second person has to approve a rebalance: propose it.")
    with atomic(durable=True):
        _claim(draft, seen, DraftState.EDITED)
        return _published(draft, by=by, approved_by=None, actor=actor, now=now)


def approve(*, draft: RebalanceDraft, seen: int, by: User, actor: Actor, now: datetime) -> Version:
    """By another than who proposed or wrote it; published as theirs. Raises OwnProposal."""
    if by.pk in {draft.proposed_by_id, draft.edited_by_id}:
        raise OwnDraft("Nobody approves their own rebalance: another person has to look.")
    with atomic(durable=True):
        _claim(draft, seen, DraftState.PROPOSED)
        return _published(draft, by=draft.proposed_by, approved_by=by, actor=actor, now=now)


def publication_request_of(draft: RebalanceDraft) -> PublicationRequest:
    """Raises Invalid for what is no version."""
    constituents, wrong = weighted_of(draft_lines(draft))
    if wrong:
        raise Invalid(*wrong)
    return PublicationRequest(constituents, draft.label, draft.rationale, draft.on_top_of)


def refusals(draft: RebalanceDraft) -> list[str]:
    """What publishing it would be answered with now; nothing, when it could be."""
    try:
        refuse_unpublishable(newest_version_of(draft.smallcase.scid), publication_request_of(draft))
    except GatewayError as refusal:
        return list(refusal.sentences)
    return []


def draft_lines(draft: RebalanceDraft) -> list[DraftLine]:
    return [DraftLine(ticker, weight) for ticker, weight in draft.lines]


def _published(
    draft: RebalanceDraft, *, by: User | None, approved_by: User | None, actor: Actor, now: datetime
) -> Version:
    """The draft's row is locked by its claim; the version and the draft's end come together or not at all."""
    version = publish_within(
        smallcase=draft.smallcase, request=publication_request_of(draft), by=by, actor=actor, now=now
    )
    RebalanceDraft.objects.filter(pk=draft.pk).update(
        state=DraftState.PUBLISHED, version=version, approved_by=approved_by
    )
    return version


def _claim(draft: RebalanceDraft, seen: int, found_in: DraftState, **changed: Any) -> None:
    """True to what was seen, or Overtaken; the row stays locked until the transaction ends."""
    rows = RebalanceDraft.objects.filter(pk=draft.pk, revision=seen, state=found_in)
    if not rows.update(revision=F("revision") + 1, **changed):
        raise _overtaken(draft)
    draft.refresh_from_db()


def _overtaken(draft: RebalanceDraft) -> Overtaken:
    return Overtaken(f"The draft of {draft.smallcase} was changed meanwhile: look at it again. Nothing was done.")


def _refuse_unstorable(lines: Sequence[DraftLine], label: str, rationale: str) -> None:
    texts = [label, rationale, *(text for line in lines for text in (line.ticker, line.weight))]
    if len(lines) > MOST:
        raise Invalid(f"A version has {MOST} constituents at most, not {len(lines)}.")
    if not all(map(storable, texts)):
        raise Invalid("A text holds a character that no text can hold (NUL or a lone surrogate).")
    too_long = len(label.strip()) > LONGEST_LABEL or len(rationale) > LONGEST_RATIONALE
    if too_long or any(len(one.ticker) > LONGEST_TICKER or len(one.weight) > LONGEST_WEIGHT for one in lines):
        raise Invalid("Label, rationale, a ticker or a weight is too long.")


def _kept(lines: Sequence[DraftLine]) -> list[list[str]]:
    return [[line.ticker, line.weight] for line in lines]


def _facts(draft: RebalanceDraft) -> dict[str, object]:
    weights = [f"{line.ticker} {line.weight}" for line in draft_lines(draft)]
    return {"on_top_of": draft.on_top_of, "label": draft.label, "weights": weights}


def _named(draft: RebalanceDraft) -> str:
    """As the audit trail calls it."""
    return f"smallcase {draft.smallcase.scid}"
