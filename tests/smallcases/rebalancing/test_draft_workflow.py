"""A draft from its beginning to its version: fencing tokens, four eyes, and what the trail says of it."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import IntegrityError

from gateway.audit import trail
from gateway.audit.trail import Actor
from gateway.models import AuditEntry
from gateway.partners import clock
from gateway.values.errors import Conflict, Invalid
from smallcases.catalogue.selectors import newest_version_of, weights_of
from smallcases.models import DraftState, RebalanceDraft, RebalanceNotice, Smallcase, Version
from smallcases.rebalancing import draft_workflow
from smallcases.rebalancing.draft_workflow import DraftChanged, OwnDraft, SecondNeeded
from smallcases.rebalancing.drafts import DraftLine
from smallcases.rebalancing.publishing import AlreadyPublished
from tests import make
from tests.smallcases import shelf

pytestmark = pytest.mark.usefixtures("instruments")
HALVES = [DraftLine("INFY", "50"), DraftLine("WIPRO", "50")]


def acting(user: User) -> Actor:
    return Actor(user, "192.0.2.7", clock.wall())


@pytest.fixture
def meera(db: None) -> User:
    return shelf.manager()


@pytest.fixture
def ravi(db: None) -> User:
    ravi = User.objects.create_user("ravi")
    ravi.user_permissions.add(Permission.objects.get(codename="approve_rebalance"))
    return ravi


@pytest.fixture
def known(meera: User) -> Smallcase:
    return shelf.smallcase(manager="meera")


@pytest.fixture
def draft(known: Smallcase, meera: User) -> RebalanceDraft:
    """Written to its end."""
    made = draft_workflow.open_draft(smallcase=known, by=meera, actor=acting(meera))
    change(made, meera)
    return made


def change(draft: RebalanceDraft, by: User, **more: Any) -> None:
    told = {"seen": draft.revision, "lines": HALVES, "label": "Anew", "rationale": "It was time.", **more}
    draft_workflow.edit(draft=draft, by=by, actor=acting(by), **told)


def publish(draft: RebalanceDraft, by: User, *, seen: int | None = None) -> Version:
    revision = draft.revision if seen is None else seen
    return draft_workflow.publish(draft=draft, seen=revision, by=by, actor=acting(by), now=clock.wall())


def acts() -> list[str]:
    return list(AuditEntry.objects.order_by("number").values_list("act", flat=True))


class TestOpening:
    def test_begins_with_the_newest_versions_weights(self, known: Smallcase, meera: User) -> None:
        made = draft_workflow.open_draft(smallcase=known, by=meera, actor=acting(meera))

        kept = RebalanceDraft.objects.get(pk=made.pk)
        assert (kept.on_top_of, kept.lines) == (1, [["INFY", "60"], ["TCS", "40"]])
        assert acts() == ["open rebalance draft"]

    def test_is_refused_while_there_is_another(self, draft: RebalanceDraft, meera: User) -> None:
        before = acts()

        with pytest.raises(Conflict, match="already has a draft"):
            draft_workflow.open_draft(smallcase=draft.smallcase, by=meera, actor=acting(meera))

        assert (RebalanceDraft.objects.count(), acts()) == (1, before)

    def test_is_refused_of_what_is_archived(self, known: Smallcase, meera: User) -> None:
        known.is_archived = True

        with pytest.raises(Conflict, match="archived"):
            draft_workflow.open_draft(smallcase=known, by=meera, actor=acting(meera))

        assert not RebalanceDraft.objects.exists()


class TestEditing:
    def test_keeps_what_is_no_version_yet(self, draft: RebalanceDraft, meera: User) -> None:
        change(draft, meera, lines=[DraftLine("INFY", "x"), DraftLine("NOBODY", "")])

        assert RebalanceDraft.objects.get().lines == [["INFY", "x"], ["NOBODY", ""]]

    def test_is_recorded_as_it_was_and_as_it_became(self, draft: RebalanceDraft) -> None:
        entry = AuditEntry.objects.get(act="edit rebalance draft")

        assert (entry.by_name, entry.subject) == ("meera", "smallcase SCNM_0001")
        assert json.loads(entry.before)["weights"] == ["INFY 60", "TCS 40"]
        assert json.loads(entry.after)["weights"] == ["INFY 50", "WIPRO 50"]
        assert trail.verify().broken is None

    def test_that_changes_nothing_is_no_change(self, draft: RebalanceDraft, meera: User) -> None:
        seen, before = draft.revision, acts()

        change(draft, meera)

        assert (RebalanceDraft.objects.get().revision, acts()) == (seen, before)

    def test_lets_one_window_of_two_through(self, draft: RebalanceDraft, meera: User) -> None:
        other, seen = RebalanceDraft.objects.get(), draft.revision
        change(draft, meera, label="Mine")

        with pytest.raises(DraftChanged):
            change(other, meera, label="Theirs", seen=seen)

        assert RebalanceDraft.objects.get().label == "Mine"

    @pytest.mark.parametrize(
        "hostile",
        [
            {"label": "\0"},
            {"rationale": "\ud800"},
            {"label": "x" * 81},
            {"rationale": "x" * 20_001},
            {"lines": [DraftLine("X" * 21, "1")]},
            {"lines": [DraftLine("INFY", "1" * 21)]},
            {"lines": [DraftLine("INFY", "\0")]},
            {"lines": [DraftLine(f"T{number}", "1") for number in range(51)]},
        ],
    )
    def test_refuses_what_cannot_be_kept(self, draft: RebalanceDraft, meera: User, hostile: dict[str, Any]) -> None:
        before = acts()

        with pytest.raises(Invalid):
            change(draft, meera, **hostile)

        assert (RebalanceDraft.objects.get().lines, acts()) == ([["INFY", "50"], ["WIPRO", "50"]], before)


class TestDiscarding:
    def test_leaves_nothing_but_the_trail(self, draft: RebalanceDraft, meera: User) -> None:
        draft_workflow.discard(draft=draft, seen=draft.revision, actor=acting(meera))

        assert not RebalanceDraft.objects.exists()
        assert json.loads(AuditEntry.objects.latest("number").before)["weights"] == ["INFY 50", "WIPRO 50"]

    def test_is_refused_of_what_was_changed_meanwhile(self, draft: RebalanceDraft, meera: User) -> None:
        with pytest.raises(DraftChanged):
            draft_workflow.discard(draft=draft, seen=draft.revision - 1, actor=acting(meera))

        assert RebalanceDraft.objects.exists()


class TestPublishing:
    def test_makes_the_version_and_ends_the_draft(self, draft: RebalanceDraft, meera: User) -> None:
        shelf.investments(draft.smallcase, make.gateway())

        version = publish(draft, meera)

        kept = RebalanceDraft.objects.get()
        assert (kept.state, kept.version, kept.approved_by) == (DraftState.PUBLISHED, version, None)
        assert (version.number, version.label, version.published_by) == (2, "Anew", meera)
        assert weights_of(newest_version_of("SCNM_0001")) == {"INFY": 50, "WIPRO": 50}
        assert RebalanceNotice.objects.get().version == version
        assert acts()[-1] == "publish rebalance"

    def test_lets_the_next_one_begin(self, draft: RebalanceDraft, meera: User) -> None:
        publish(draft, meera)

        assert draft_workflow.open_draft(smallcase=draft.smallcase, by=meera, actor=acting(meera)).on_top_of == 2

    def test_is_done_once_by_two_windows(self, draft: RebalanceDraft, meera: User) -> None:
        other, seen = RebalanceDraft.objects.get(), draft.revision
        publish(draft, meera)

        with pytest.raises(DraftChanged):
            publish(other, meera, seen=seen)

        assert Version.objects.count() == 2

    def test_refuses_what_was_made_on_an_older_version(self, draft: RebalanceDraft, meera: User) -> None:
        shelf.published(draft.smallcase, {"INFY": "10", "TCS": "90"})
        before = acts()

        with pytest.raises(AlreadyPublished, match="The newest version is 2, not 1"):
            publish(draft, meera)

        assert (RebalanceDraft.objects.get().state, Version.objects.count()) == (DraftState.EDITED, 2)
        assert acts() == before

    def test_refuses_what_is_no_version_and_keeps_the_draft(self, draft: RebalanceDraft, meera: User) -> None:
        change(draft, meera, lines=HALVES[:1])
        seen = draft.revision

        with pytest.raises(Invalid):
            publish(draft, meera)

        kept = RebalanceDraft.objects.get()
        assert (kept.state, kept.revision, Version.objects.count()) == (DraftState.EDITED, seen, 1)

    def test_by_one_alone_is_refused_where_two_are_asked_for(
        self, draft: RebalanceDraft, meera: User, settings: Any
    ) -> None:
        settings.REBALANCE_FOUR_EYES = True

        with pytest.raises(SecondNeeded):
            publish(draft, meera)

        assert Version.objects.count() == 1

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"label": ""}, "label"),
            ({"lines": [DraftLine("INFY", "50"), DraftLine("NOBODY", "50")]}, "NOBODY is not in"),
        ],
    )
    def test_says_before_why_it_would_be_refused(
        self, draft: RebalanceDraft, meera: User, change: dict[str, Any], sentence: str
    ) -> None:
        assert draft_workflow.refusals(draft) == []

        told = {"seen": draft.revision, "lines": HALVES, "label": "Anew", "rationale": "", **change}
        draft_workflow.edit(draft=draft, by=meera, actor=acting(meera), **told)

        assert sentence in draft_workflow.refusals(draft)[0]


class TestFourEyes:
    @pytest.fixture
    def proposed(self, draft: RebalanceDraft, meera: User, settings: Any) -> RebalanceDraft:
        settings.REBALANCE_FOUR_EYES = True
        draft_workflow.propose(draft=draft, seen=draft.revision, by=meera, actor=acting(meera))
        return draft

    def approve(self, draft: RebalanceDraft, by: User, *, seen: int | None = None) -> Version:
        revision = draft.revision if seen is None else seen
        return draft_workflow.approve(draft=draft, seen=revision, by=by, actor=acting(by), now=clock.wall())

    def test_publish_what_another_has_proposed_as_the_others(
        self, proposed: RebalanceDraft, ravi: User, meera: User
    ) -> None:
        version = self.approve(proposed, ravi)

        assert version.published_by == meera
        assert RebalanceDraft.objects.get().approved_by == ravi
        entry = AuditEntry.objects.latest("number")
        assert (entry.act, entry.by_name, json.loads(entry.after)["by"]) == ("publish rebalance", "ravi", "meera")

    def test_refuse_ones_own(self, proposed: RebalanceDraft, meera: User) -> None:
        with pytest.raises(OwnDraft):
            self.approve(proposed, meera)

        assert Version.objects.count() == 1

    def test_refuse_who_wrote_what_another_proposed(self, draft: RebalanceDraft, meera: User, ravi: User) -> None:
        change(draft, ravi, label="By Ravi")
        draft_workflow.propose(draft=draft, seen=draft.revision, by=meera, actor=acting(meera))

        with pytest.raises(OwnDraft):
            self.approve(draft, ravi)

        assert Version.objects.count() == 1

    def test_are_held_by_the_database_too(self, proposed: RebalanceDraft, meera: User, ravi: User) -> None:
        self.approve(proposed, ravi)

        with pytest.raises(IntegrityError, match="nobody_approves_their_own_rebalance"):
            RebalanceDraft.objects.update(approved_by=meera)

    def test_approve_what_was_looked_at_and_nothing_else(self, proposed: RebalanceDraft, ravi: User) -> None:
        with pytest.raises(DraftChanged):
            self.approve(proposed, ravi, seen=proposed.revision - 1)

        assert Version.objects.count() == 1

    def test_approve_nothing_that_was_not_proposed(self, draft: RebalanceDraft, ravi: User) -> None:
        with pytest.raises(DraftChanged):
            self.approve(draft, ravi)

        assert Version.objects.count() == 1

    def test_see_nothing_changed_after_it_was_proposed(self, proposed: RebalanceDraft, meera: User) -> None:
        with pytest.raises(DraftChanged):
            change(proposed, meera, label="Another")

        assert RebalanceDraft.objects.get().label == "Anew"

    def test_are_not_asked_for_what_could_not_be_published(self, draft: RebalanceDraft, meera: User) -> None:
        change(draft, meera, label="")

        with pytest.raises(Invalid):
            draft_workflow.propose(draft=draft, seen=draft.revision, by=meera, actor=acting(meera))

        assert RebalanceDraft.objects.get().state == DraftState.EDITED

    def test_are_refused_an_overtaken_version(self, proposed: RebalanceDraft, ravi: User) -> None:
        shelf.published(proposed.smallcase, {"INFY": "10", "TCS": "90"})

        with pytest.raises(AlreadyPublished):
            self.approve(proposed, ravi)

        assert RebalanceDraft.objects.get().state == DraftState.PROPOSED

    @pytest.mark.parametrize(("who", "act"), [("meera", "withdraw rebalance"), ("ravi", "decline rebalance")])
    def test_give_it_back_to_be_written(
        self, proposed: RebalanceDraft, ravi: User, meera: User, who: str, act: str
    ) -> None:
        by = {"meera": meera, "ravi": ravi}[who]
        draft_workflow.take_back(draft=proposed, seen=proposed.revision, note=" Too much turnover. ", actor=acting(by))

        kept = RebalanceDraft.objects.get()
        assert (kept.state, kept.proposed_by, kept.note) == (DraftState.EDITED, None, "Too much turnover.")
        assert acts()[-1] == act
