"""The studio through HTTP: who sees and does what, without a script, and what a form may bring."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from gateway.identity.roles import AUDITORS, MANAGERS, SUPPORT
from gateway.models import AuditEntry
from smallcases.models import DraftState, RebalanceDraft, RebalanceNotice, Smallcase, Version
from tests import make
from tests.smallcases import shelf
from tests.smallcases.api.test_manager_api import BODY, call
from tests.smallcases.counting import at_most

pytestmark = pytest.mark.usefixtures("instruments")
STUDIO = "/admin/smallcases/smallcase/studio/"
HALVES = {"ticker": ["INFY", "WIPRO"], "weight": ["50", "50"], "label": "Anew", "rationale": "It was time."}


def somebody(role: str, name: str) -> Client:
    user, _ = User.objects.get_or_create(username=name)
    User.objects.filter(pk=user.pk).update(is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def meera(db: None) -> Client:
    return somebody(MANAGERS, "meera")


@pytest.fixture
def known(meera: Client) -> Smallcase:
    return shelf.smallcase(manager="meera")


@pytest.fixture
def draft(known: Smallcase, meera: Client) -> RebalanceDraft:
    meera.post(f"{STUDIO}{known.pk}/open/")
    return RebalanceDraft.objects.get()


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def at(draft: RebalanceDraft, page: str = "") -> str:
    return f"{STUDIO}drafts/{draft.pk}/{page}"


def save(client: Client, draft: RebalanceDraft, **more: Any) -> str:
    """The page after the redirect."""
    draft.refresh_from_db()
    sent = {"revision": draft.revision, **HALVES, **more}
    page = text(client.post(at(draft), sent, follow=True))
    draft.refresh_from_db()
    return page


def decide(client: Client, draft: RebalanceDraft, act: str, **more: Any) -> Any:
    draft.refresh_from_db()
    return client.post(at(draft, "decide/"), {"revision": draft.revision, act: "1", **more}, follow=True)


class TestTheList:
    def test_shows_a_manager_the_own_alone(self, meera: Client, known: Smallcase) -> None:
        User.objects.create_user("ravi")
        shelf.smallcase("SCRV_0001", manager="ravi")

        shown = text(meera.get(STUDIO))

        assert ("SCNM_0001" in shown, "SCRV_0001" in shown) == (True, False)

    def test_costs_the_same_for_many_as_for_few(self, meera: Client, known: Smallcase) -> None:
        for number in range(5):
            shelf.smallcase(f"SCMR_000{number}", manager="meera")

        with at_most(7):
            assert meera.get(STUDIO).status_code == 200


class TestOneSmallcase:
    def test_shows_the_version_and_the_way_to_a_draft(self, meera: Client, known: Smallcase) -> None:
        shown = text(meera.get(f"{STUDIO}{known.pk}/"))

        assert ("Infosys" in shown, re.search(r">60\s*</td>", shown) is not None, "Create rebalance" in shown) == (
            True,
            True,
            True,
        )

    def test_shows_the_progress_of_notices_and_adoption(self, meera: Client, known: Smallcase) -> None:
        shelf.investments(known, make.gateway(), how_many=3)
        shelf.published(known)

        with at_most(16):
            shown = text(meera.get(f"{STUDIO}{known.pk}/"))

        assert "0 notified, 3 remaining." in shown
        assert "0 of 3 live investments have adopted version 2: 0 %" in shown
        assert 'http-equiv="refresh"' in shown

    def test_stops_polling_when_all_are_notified(self, meera: Client, known: Smallcase) -> None:
        shelf.investments(known, make.gateway(), how_many=3)
        shelf.published(known)
        RebalanceNotice.objects.update(due_at=None, notified=3)

        shown = text(meera.get(f"{STUDIO}{known.pk}/"))

        assert ("Investors notified: 3." in shown, 'http-equiv="refresh"' in shown) == (True, False)

    def test_of_another_is_not_there(self, meera: Client) -> None:
        User.objects.create_user("ravi")
        theirs = shelf.smallcase("SCRV_0001", manager="ravi")

        assert meera.get(f"{STUDIO}{theirs.pk}/").status_code == 404
        assert meera.post(f"{STUDIO}{theirs.pk}/open/").status_code == 404
        assert not RebalanceDraft.objects.exists()


class TestTheEditor:
    def test_saves_what_was_typed_and_says_what_is_wrong(self, meera: Client, draft: RebalanceDraft) -> None:
        shown = save(meera, draft, weight=["50", "40"])

        assert draft.lines == [["INFY", "50"], ["WIPRO", "40"]]
        assert "The weights sum to 90 %; they must sum to 100 %." in shown
        assert re.search(r"<output[^>]*>90</output>", shown)

    def test_survives_until_it_is_thrown_away(self, meera: Client, draft: RebalanceDraft) -> None:
        save(meera, draft)
        again = somebody(MANAGERS, "meera")

        assert 'value="WIPRO"' in text(again.get(at(draft)))

        decide(again, draft, "discard")
        assert not RebalanceDraft.objects.exists()

    @pytest.mark.parametrize(
        ("button", "lines"),
        [
            ({"remove": "WIPRO"}, [["INFY", "60"]]),
            ({"add": "TCS"}, [["INFY", "60"], ["WIPRO", "10"], ["TCS", "30"]]),
            ({"even": "1"}, [["INFY", "50"], ["WIPRO", "50"]]),
            ({"scale": "1"}, [["INFY", "85.7143"], ["WIPRO", "14.2857"]]),
        ],
    )
    def test_changes_lines_by_buttons(
        self, meera: Client, draft: RebalanceDraft, button: dict[str, str], lines: list[list[str]]
    ) -> None:
        save(meera, draft, weight=["60", "10"], **button)

        assert draft.lines == lines

    @pytest.mark.parametrize("ticker", ["INFY", "NOBODY", "X" * 500, "\0"])
    def test_adds_no_known_or_unknown_ticker(self, meera: Client, draft: RebalanceDraft, ticker: str) -> None:
        before = draft.lines

        save(meera, draft, add=ticker)

        assert draft.lines == before

    def test_finds_names_and_keeps_what_was_typed(self, meera: Client, draft: RebalanceDraft) -> None:
        shown = save(meera, draft, find="1", term="hdfc")

        assert draft.lines == [["INFY", "50"], ["WIPRO", "50"]]
        assert "Add HDFCBANK" in shown

    def test_continues_to_the_preview(self, meera: Client, draft: RebalanceDraft) -> None:
        assert "Publish version 2" in save(meera, draft, preview="1")

    @pytest.mark.parametrize(
        "hostile",
        [{"revision": ""}, {"revision": "9" * 30}, {"weight": ["1"]}, {"label": "x\0"}, {"ticker": ["A" * 99, "B"]}],
    )
    def test_takes_no_form_that_is_not_whole(
        self, meera: Client, draft: RebalanceDraft, hostile: dict[str, Any]
    ) -> None:
        before = (draft.lines, draft.label)

        save(meera, draft, **hostile)

        assert (draft.lines, draft.label) == before

    def test_mentions_the_other_window(self, meera: Client, draft: RebalanceDraft) -> None:
        save(meera, draft, label="Mine")

        shown = save(meera, draft, label="Stale", revision=1)

        assert "has changed. Reload the page" in shown
        assert draft.label == "Mine"

    def test_is_in_no_inline_script_or_style(self, meera: Client, draft: RebalanceDraft) -> None:
        save(meera, draft)
        for page in ("", "preview/"):
            shown = meera.get(at(draft, page)).content.decode()
            assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>|\son\w+=|\sstyle=", shown)

    @pytest.mark.parametrize("page", ["", "?q=bank", "preview/"])
    def test_costs_the_same_for_many_as_for_few(self, meera: Client, draft: RebalanceDraft, page: str) -> None:
        tickers = ["INFY", "TCS", "WIPRO", "ITC", "HDFCBANK", "SBIN", "RELIANCE", "LT"]
        save(meera, draft, ticker=tickers, weight=["12.5"] * 8)

        with at_most(19):
            assert meera.get(at(draft, page)).status_code == 200


class TestAFile:
    def send(self, client: Client, draft: RebalanceDraft, name: str, content: bytes) -> str:
        draft.refresh_from_db()
        file = SimpleUploadedFile(name, content)
        page = text(client.post(at(draft, "file/"), {"revision": draft.revision, "file": file}, follow=True))
        draft.refresh_from_db()
        return page

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("w.csv", b"\xef\xbb\xbfticker,weight\nINFY,70\nITC,30\n"),
            (
                "w.json",
                b'{"label": "Anew", "constituents": [{"ticker":"INFY","weight":70},{"ticker":"ITC","weight":30}]}',
            ),
        ],
    )
    def test_takes_the_place_of_the_lines(
        self, meera: Client, draft: RebalanceDraft, name: str, content: bytes
    ) -> None:
        shown = self.send(meera, draft, name, content)

        assert draft.lines == [["INFY", "70"], ["ITC", "30"]]
        assert "2 constituents imported" in shown

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (b"symbol,share\nINFY,70\n", "missing columns"),
            (b"ticker,weight\nINFY\n", "line 2"),
            (b"ticker,weight\nINFY,\xff\n", "is not UTF-8: line 2"),
            (b'{"constituents": [', "truncated"),
            (b"ticker,weight\n\0,1\n", "NUL"),
            (b"ticker,weight\nINFY,=1+1\n", "Line 2: INFY"),
        ],
    )
    def test_that_is_none_is_refused_by_line(
        self, meera: Client, draft: RebalanceDraft, content: bytes, told: str
    ) -> None:
        before = draft.lines

        assert told in self.send(meera, draft, "w.csv", content)

        assert draft.lines == before

    def test_that_is_missing_is_asked_for(self, meera: Client, draft: RebalanceDraft) -> None:
        assert "Choose a file." in text(meera.post(at(draft, "file/"), {"revision": 1}, follow=True))


class TestThePreview:
    def test_previews_the_effect_in_words_and_as_a_picture(self, meera: Client, draft: RebalanceDraft) -> None:
        (mine,) = shelf.investments(draft.smallcase, make.gateway())
        shelf.hold(mine, {"INFY": 10, "TCS": 5})
        save(meera, draft)

        shown = text(meera.get(at(draft, "preview/")))

        assert re.search(r"Turnover, one way</th><td[^>]*>50 %", shown)
        assert "INFY from 60 to 50 %; TCS from 40 to 0 %; WIPRO from 0 to 50 %" in shown
        assert re.search(r"WIPRO</th><td>added</td>", shown)
        assert re.search(r"Sell amount</th><td[^>]*>₹[1-9]", shown)
        assert not Version.objects.filter(number=2).exists()

    def test_says_why_it_cannot_be_published(self, meera: Client, draft: RebalanceDraft) -> None:
        save(meera, draft, ticker=["INFY", "NOBODY"], label="")

        shown = text(meera.get(at(draft, "preview/")))

        assert "NOBODY is not in the catalogue of instruments." in shown
        assert "The label must have 1 to 80 characters." in shown
        assert "Publish version" not in shown

    def test_of_an_older_version_says_so(self, meera: Client, draft: RebalanceDraft) -> None:
        save(meera, draft)
        shelf.published(draft.smallcase, {"INFY": "10", "TCS": "90"})

        assert "The newest version is 2, not 1." in text(meera.get(at(draft, "preview/")))
        assert "the draft can no longer be published" in text(meera.get(at(draft)))
        assert "The newest version is 2, not 1." in text(decide(meera, draft, "publish"))
        assert Version.objects.count() == 2


class TestDeciding:
    def test_publishes(self, meera: Client, draft: RebalanceDraft) -> None:
        save(meera, draft)

        shown = text(decide(meera, draft, "publish"))

        assert "Version 2 is published." in shown
        assert Version.objects.get(number=2).published_by == User.objects.get(username="meera")
        assert AuditEntry.objects.latest("number").act == "publish rebalance"

    def test_publishes_once_however_often_it_is_pressed(self, meera: Client, draft: RebalanceDraft) -> None:
        save(meera, draft)
        sent = {"revision": draft.revision, "publish": "1"}

        statuses = [meera.post(at(draft, "decide/"), sent).status_code for _ in range(2)]

        assert statuses == [302, 404]
        assert Version.objects.count() == 2

    def test_by_another_manager_is_not_there(self, draft: RebalanceDraft) -> None:
        asha = somebody(MANAGERS, "asha")

        statuses = {asha.get(at(draft, page)).status_code for page in ("", "preview/")}
        statuses |= {asha.post(at(draft, page), {"revision": 1}).status_code for page in ("", "file/", "decide/")}

        assert statuses == {404}

    @pytest.mark.parametrize("role", [AUDITORS, SUPPORT])
    def test_is_not_for_who_reads(self, draft: RebalanceDraft, meera: Client, role: str) -> None:
        save(meera, draft)
        reader, before = somebody(role, "asha"), RebalanceDraft.objects.values().get()

        assert {reader.get(at(draft, page)).status_code for page in ("", "preview/")} == {200}
        acts = ("publish", "propose", "discard")
        statuses = {reader.post(at(draft, "decide/"), {"revision": draft.revision, act: 1}).status_code for act in acts}
        statuses |= {reader.post(at(draft, page), {"revision": draft.revision}).status_code for page in ("", "file/")}

        assert statuses == {403}
        assert RebalanceDraft.objects.values().get() == before


class TestFourEyes:
    @pytest.fixture
    def proposed(self, meera: Client, draft: RebalanceDraft, settings: Any) -> RebalanceDraft:
        settings.REBALANCE_FOUR_EYES = True
        save(meera, draft)
        decide(meera, draft, "propose")
        return draft

    def test_publish_by_a_second_person(self, proposed: RebalanceDraft) -> None:
        support = somebody(SUPPORT, "asha")
        assert "Approve and publish version 2" in text(support.get(at(proposed, "preview/")))

        shown = text(decide(support, proposed, "approve"))

        assert "Approved: version 2 is published." in shown
        assert "approved by asha" in shown

    @pytest.mark.parametrize("act", ["approve", "publish"])
    def test_refuse_the_manager_alone(self, meera: Client, proposed: RebalanceDraft, act: str) -> None:
        assert "Approve" not in text(meera.get(at(proposed, "preview/")))

        decide(meera, proposed, act)

        assert Version.objects.count() == 1

    def test_decline_with_a_note_that_the_manager_reads(self, meera: Client, proposed: RebalanceDraft) -> None:
        decide(somebody(SUPPORT, "asha"), proposed, "back", note="Too much <b>turnover</b>.")

        proposed.refresh_from_db()
        assert proposed.state == DraftState.EDITED
        assert "“Too much &lt;b&gt;turnover&lt;/b&gt;.”" in text(meera.get(at(proposed)))

    def test_let_an_approver_of_nothing_else_see_what_is_proposed(self, proposed: RebalanceDraft) -> None:
        shelf.smallcase("SCRV_0001", manager="meera")
        approver = somebody(MANAGERS, "asha")
        user = User.objects.get(username="asha")
        user.user_permissions.add(Permission.objects.get(codename="approve_rebalance"))

        shown = text(approver.get(STUDIO))

        assert ("SCNM_0001" in shown, "SCRV_0001" in shown) == (True, False)

    def test_hold_for_the_manager_api_too(self, settings: Any) -> None:
        settings.REBALANCE_FOUR_EYES = True
        user = shelf.manager("ravi")
        shelf.smallcase(manager="ravi")

        assert call(user, body=BODY).status == 409
        assert Version.objects.count() == 1


@pytest.mark.parametrize("path", ["9" * 30, f"drafts/{'9' * 30}", f"drafts/{'9' * 30}/preview"])
def test_a_row_that_cannot_be_is_not_there(meera: Client, path: str) -> None:
    assert meera.get(f"{STUDIO}{path}/").status_code == 404


def test_anybody_else_is_asked_to_log_in(db: None) -> None:
    assert Client().get(STUDIO).status_code == 302
