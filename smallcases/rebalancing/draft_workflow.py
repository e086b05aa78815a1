"""The workflow of a rebalance draft: edit, propose, approve, publish. Each step is in the audit trail.

`seen` is the draft's revision on the user's page. The UPDATE is the check: of two windows or two people at once, one
succeeds, and the other gets DraftChanged and must reload the page.
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


class DraftChanged(Conflict):
    """The draft has changed since the user loaded the page."""


class OwnDraft(Conflict):
    """A person cannot approve their own draft."""


class SecondNeeded(Conflict):
    """Publishing needs a second person's approval."""


def open_draft(*, smallcase: Smallcase, by: User, actor: Actor) -> RebalanceDraft:
    """Opens a draft with the newest version's weights. A constraint lets one of two concurrent calls succeed."""
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
        raise Conflict(f"{smallcase} already has a draft.") from None
    return made


def edit(
    *, draft: RebalanceDraft, seen: int, lines: Sequence[DraftLine], label: str, rationale: str, by: User, actor: Actor
) -> None:
    """Saves the draft; it need not be a valid version yet. Saving the same content again changes nothing."""
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
            raise _draft_changed(draft)
        actor.record("discard rebalance draft", _named(draft), before=_facts(draft))


def propose(*, draft: RebalanceDraft, seen: int, by: User, actor: Actor) -> None:
    """Proposes the draft to a second person. Raises the same errors as publishing it."""
    with atomic(durable=True):
        _claim(draft, seen, DraftState.EDITED, state=DraftState.PROPOSED, proposed_by=by, note="")
        refuse_unpublishable(newest_version_of(draft.smallcase.scid), publication_request_of(draft))
        actor.record("propose rebalance", _named(draft), after=_facts(draft), reason=draft.rationale)


def take_back(*, draft: RebalanceDraft, seen: int, note: str, actor: Actor) -> None:
    """Reopens a proposed draft for editing: withdrawn by its proposer, or declined by the approver with `note`."""
    note = note.strip()[:LONGEST_NOTE]
    if not storable(note):
        raise Invalid("The note contains a character that cannot be stored (NUL or a lone surrogate).")
    is_own = draft.proposed_by_id == (actor.user.pk if actor.user else None)
    with atomic(durable=True):
        _claim(draft, seen, DraftState.PROPOSED, state=DraftState.EDITED, proposed_by=None, note=note)
        actor.record("withdraw rebalance" if is_own else "decline rebalance", _named(draft), reason=note)


def publish(*, draft: RebalanceDraft, seen: int, by: User, actor: Actor, now: datetime) -> Version:
    """Publishes without an approval. Raises SecondNeeded if four eyes are required."""
    if settings.REBALANCE_FOUR_EYES:
        raise SecondNeeded("A second person must approve a rebalance. Propose it first.")
    with atomic(durable=True):
        _claim(draft, seen, DraftState.EDITED)
        return _published(draft, by=by, approved_by=None, actor=actor, now=now)


def approve(*, draft: RebalanceDraft, seen: int, by: User, actor: Actor, now: datetime) -> Version:
    """Publishes the draft in its proposer's name. Raises OwnDraft if `by` proposed or edited it."""
    if by.pk in {draft.proposed_by_id, draft.edited_by_id}:
        raise OwnDraft("You cannot approve your own rebalance. Ask another person to approve it.")
    with atomic(durable=True):
        _claim(draft, seen, DraftState.PROPOSED)
        return _published(draft, by=draft.proposed_by, approved_by=by, actor=actor, now=now)


def publication_request_of(draft: RebalanceDraft) -> PublicationRequest:
    """The draft's publication request. Raises Invalid if the draft is not a valid version."""
    constituents, wrong = weighted_of(draft_lines(draft))
    if wrong:
        raise Invalid(*wrong)
    return PublicationRequest(constituents, draft.label, draft.rationale, draft.on_top_of)


def refusals(draft: RebalanceDraft) -> list[str]:
    """The errors that publishing would raise now; empty if the draft can be published."""
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
    """Publishes and closes the draft in the caller's transaction. `_claim` has locked the draft's row."""
    version = publish_within(
        smallcase=draft.smallcase, request=publication_request_of(draft), by=by, actor=actor, now=now
    )
    RebalanceDraft.objects.filter(pk=draft.pk).update(
        state=DraftState.PUBLISHED, version=version, approved_by=approved_by
    )
    return version


def _claim(draft: RebalanceDraft, seen: int, found_in: DraftState, **changed: Any) -> None:
    """Raises DraftChanged if the revision is not `seen`. The row stays locked until the transaction ends."""
    rows = RebalanceDraft.objects.filter(pk=draft.pk, revision=seen, state=found_in)
    if not rows.update(revision=F("revision") + 1, **changed):
        raise _draft_changed(draft)
    draft.refresh_from_db()


def _draft_changed(draft: RebalanceDraft) -> DraftChanged:
    return DraftChanged(f"The draft of {draft.smallcase} has changed. Reload the page and try again.")


def _refuse_unstorable(lines: Sequence[DraftLine], label: str, rationale: str) -> None:
    texts = [label, rationale, *(text for line in lines for text in (line.ticker, line.weight))]
    if len(lines) > MOST:
        raise Invalid(f"A version has at most {MOST} constituents, not {len(lines)}.")
    if not all(map(storable, texts)):
        raise Invalid("A text contains a character that cannot be stored (NUL or a lone surrogate).")
    too_long = len(label.strip()) > LONGEST_LABEL or len(rationale) > LONGEST_RATIONALE
    if too_long or any(len(one.ticker) > LONGEST_TICKER or len(one.weight) > LONGEST_WEIGHT for one in lines):
        raise Invalid(
            f"Too long: a label has at most {LONGEST_LABEL} characters, a rationale {LONGEST_RATIONALE}, "
            f"a ticker {LONGEST_TICKER}, a weight {LONGEST_WEIGHT}."
        )


def _kept(lines: Sequence[DraftLine]) -> list[list[str]]:
    return [[line.ticker, line.weight] for line in lines]


def _facts(draft: RebalanceDraft) -> dict[str, object]:
    weights = [f"{line.ticker} {line.weight}" for line in draft_lines(draft)]
    return {"on_top_of": draft.on_top_of, "label": draft.label, "weights": weights}


def _named(draft: RebalanceDraft) -> str:
    """The draft's name in the audit trail."""
    return f"smallcase {draft.smallcase.scid}"
