"""Managers at work: one publishes a rebalance that an investor then finds in the API, and none sees another's."""

import re
from collections.abc import Mapping
from typing import Any, Final

from tests.browser.desk.conftest import Site
from tests.browser.people import OWN, STUDIO, Person

MINE, THEIRS = OWN["meera"], OWN["kiran"]
WEIGHTS: Final = {"HDFCBANK": "20", "KOTAKBANK": "25.5", "AXISBANK": "9.5"}  # of five; they had 30, 15 and 10


def invest(site: Site, scid: str, client: str) -> tuple[str, str]:
    """iscid and smallcaseAuthId of somebody who has bought."""
    made = site.partner.create_smallcase("BUY", scid=scid)
    answer = site.partner.complete(made, client, wait=20, amount=200_000)
    assert answer.status == 200, answer.body
    return str(answer.data["iscid"]), str(site.partner.details(made)["smallcaseAuthId"])


def pending(site: Site, iscid: str, auth_id: str) -> list[Mapping[str, Any]]:
    """The rebalances that the API says this investor can take."""
    path = "/v1/{gateway}/engine/user/investments"
    answer = site.partner.call("GET", path, auth_id=auth_id, query={"iscid": iscid})
    assert answer.status == 200, answer.body
    (investment,) = answer.data
    return list(investment["actions"]["rebalance"])


def written(person: Person) -> dict[str, Any]:
    """What the editor shows."""
    page = person.page
    weights = [field.input_value() for field in page.locator("[data-weight]").all()]
    revision = page.locator("#lines [name=revision]").input_value()
    return {"revision": revision, "label": page.input_value("#id_label"), "weights": weights}


class TestTheStudio:
    def test_publishes_a_rebalance_that_an_investor_finds_in_the_api(self, site: Site, meera: Person) -> None:
        iscid, auth_id = invest(site, MINE, "happy-follower")
        assert pending(site, iscid, auth_id) == []
        meera.opens_draft_of(MINE)
        total = meera.page.locator("[data-total]")
        sums = []

        for ticker, weight in WEIGHTS.items():
            meera.page.get_by_label(f"Weight of {ticker}").fill(weight)
            sums.append(total.inner_text())
        meera.page.fill("#id_label", "Fewer of the largest")
        meera.presses("Save and preview")

        assert sums == ["90", "100.5", "100"]
        meera.reads("Nothing has been published.")
        picture = str(meera.page.get_by_role("img", name="Changed weights").text_content())
        assert [ticker for ticker in WEIGHTS if ticker not in picture] == []
        facts = meera.page.locator(".studio-facts").inner_text()
        assert "Turnover, one way\t10.5 %" in facts
        assert "Live investments\t1" in facts
        meera.presses("Publish version 2")

        meera.reads("Version 2 is published.")
        meera.reads("Investors notified: 1.")
        meera.reads("0 of 1 live investments have adopted version 2: 0 %.")
        (action,) = pending(site, iscid, auth_id)
        assert (action["iscid"], action["scid"], action["version"]) == (iscid, MINE, 2)
        assert action["label"] == "Fewer of the largest"

    def test_shows_the_adoption(self, site: Site, meera: Person) -> None:
        iscid, auth_id = invest(site, MINE, "happy-follower")
        meera.opens_draft_of(MINE)
        meera.presses("Equal weights")
        meera.page.fill("#id_label", "All alike")
        meera.presses("Save and preview")
        meera.page.get_by_role("button", name=re.compile("Publish version")).click()
        meera.reads("Investors notified")
        (action,) = pending(site, iscid, auth_id)

        made = site.partner.create_smallcase("REBALANCE", iscid=iscid, auth_id=auth_id)
        assert site.partner.complete(made, "happy-follower", wait=20).status == 200

        meera.page.reload()
        meera.reads(f"live investments have adopted version {action['version']}")
        assert int(meera.page.locator("meter").get_attribute("value") or 0) > 0
        assert pending(site, iscid, auth_id) == []


class TestAnotherManager:
    def test_finds_nothing_of_it(self, site: Site, meera: Person, kiran: Person) -> None:
        smallcase, draft = kiran.opens_draft_of(THEIRS)
        row = smallcase.rstrip("/").rpartition("/")[2]
        lists = ["/admin/", STUDIO, "/admin/smallcases/smallcase/", f"/admin/smallcases/smallcase/?q={THEIRS}"]
        pages = [smallcase, draft, f"{draft}preview/", f"/admin/smallcases/smallcase/{row}/change/"]

        read = {}
        for path in lists:
            meera.go(path)
            read[path] = meera.page.locator("#content").inner_text()
        answers = [meera.page.request.get(site.base + page, max_redirects=0) for page in pages]

        assert [MINE in read[path] for path in lists[1:3]] == [True, True]
        assert [path for path, text in read.items() if THEIRS in text] == []
        assert [answer.status for answer in answers] == [404, 404, 404, 302]
        assert answers[-1].headers["location"] == "/admin/"  # where it says that there is none
        assert [answer for answer in answers if THEIRS in answer.text()] == []

    def test_changes_nothing_of_it_by_forms_that_its_own_manager_may_send(
        self, site: Site, meera: Person, kiran: Person
    ) -> None:
        smallcase, draft = kiran.opens_draft_of(THEIRS)
        before = written(kiran)
        of = {"revision": before["revision"]}
        forms: dict[str, dict[str, Any]] = {
            f"{smallcase}open/": {},
            draft: {**of, "ticker": ["NIFTYBEES", "INFY"], "weight": ["50", "50"], "label": "Mine"},
            f"{draft}file/": of,
            f"{draft}decide/": {**of, "publish": "1"},
        }

        refused = {path: meera.sends(path, form).status for path, form in forms.items()}

        assert refused == dict.fromkeys(forms, 404)
        kiran.go(draft)
        assert written(kiran) == before
        assert {path: kiran.sends(path, form).status for path, form in forms.items()} == dict.fromkeys(forms, 302)
        kiran.go(draft)
        assert written(kiran)["label"] == "Mine"
