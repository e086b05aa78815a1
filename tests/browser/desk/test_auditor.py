"""An auditor at a browser: whatever is posted is refused, nothing is changed by it, and no page offers to change it."""

import json
import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import APIResponse, Browser

from tests.browser.desk.conftest import Site
from tests.browser.people import DESK, OWN, STUDIO, Person, desktop
from tests.processes.stack import manage

# By path, and the action of a list if there is one; the last that fits counts. Whatever fits none is 403.
ANSWERS: Final = {
    r"/admin/\w+/\w+/ \w+": {"302 the list again"},  # it is not among the actions offered
    r"/admin/(auth/\w+|brokers/marketday)/ \w+": {"200"},  # the list: where no action is offered at all
    r"/admin/\w+/\w+/ export_csv": {"200"},  # what may be read may be taken along
    r"/admin/\w+/\w+/ ": {"200"},
    r"/admin/\w+/\w+/\d+/ ": {"302 its page"},
    r"/admin/\w+/\w+/\d+/history/ ": {"200", "302 home"},  # home, if there is no such row
    r"/admin/(transactions/)? ": {"200"},
    r"/admin/(second-factor|password_change)/ ": {"200"},  # one's own, and the form was wrong
    r"/admin/(jsi18n|autocomplete)/ ": {"405"},
    r"/admin/r/1/1/ ": {"404"},
    rf"{STUDIO}(\d+/|drafts/\d+/preview/)? ": {"405"},
    rf"{DESK}(tradebooks/\d+/|orders/\d+/tradebook\.csv|(charges|statements)/[^/]+/)? ": {"405"},
}
# What workers write meanwhile: when they look next, and that a partner does not answer.
WORKED_ON: Final = ("due_at", "leased_until", "attempts", "failures", "failing_since")
ADDED_TO: Final = {"webhooks.Attempt"}
ASK: Final = f"""
import json
from tests.console_forms import everything, forms
print(json.dumps([list(forms()), everything(passing_over={WORKED_ON})]))
"""
CHANGES: Final = "#content :is(button, input[type=submit], a.addlink, a.changelink, a.deletelink, a[href*=undo])"


@dataclass(frozen=True, slots=True)
class Known:
    """Of one lost basket."""

    transaction_id: str
    batch_id: str


@pytest.fixture(scope="module")
def known(site: Site, chromium: Browser) -> Known:
    """One of each thing to decide: orders in ERROR, a correction, a proposal, a tradebook, a draft."""
    settled, named = site.lost(), site.lost()
    asha, meera = (Person(desktop(chromium), site.base, name) for name in ("asha", "meera"))
    asha.opens_order_of(settled)
    asha.settles(status="COMPLETE", shares=10, price="3000.50", reason="Contract note.")
    asha.presses("Confirm")
    asha.reads("Corrected.")
    asha.page.locator("section[aria-labelledby=batch] a", has_text="INFY").click()
    asha.page.locator("h1", has_text="INFY").wait_for()
    asha.settles(status="REJECTED", shares=0, price="", reason="A letter of the broker.")
    asha.presses("Confirm")
    asha.reads("Another person must approve it")
    asha.uploads("\n".join(site.book(named)) + "\n")
    meera.opens_draft_of(OWN["meera"])
    asha.leaves()
    meera.leaves()
    transaction_id = site.partner.create()
    answer = site.partner.complete(transaction_id, "lost-contact-seen", wait=25)
    return Known(transaction_id, answer.data["orderBatches"][0]["batchId"])


def asked(site: Site) -> tuple[list[tuple[str, dict[str, Any]]], dict[str, str]]:
    """Every form that the console takes, for the rows that are there; every table, as a digest."""
    words = manage("shell", "-c", ASK, environment=site.environment)
    forms, tables = json.loads(words.splitlines()[-1])
    return [(path, form) for path, form in forms], tables


def changed(site: Site, before: dict[str, str]) -> set[str]:
    return {label for label, digest in asked(site)[1].items() if digest != before[label]}


def api(site: Site, known: Known) -> tuple[Any, ...]:
    """What the partner is told."""
    query = {"transactionId": known.transaction_id}
    events = site.partner.call("GET", "/v1/{gateway}/engine/webhooks/events", query=query).data["events"]
    heard = [(event["type"], event["sequence"]) for event in events]
    status = site.partner.details(known.transaction_id)["status"]
    return status, site.partner.batches(batchId=known.batch_id), heard


def outcome(path: str, answer: APIResponse) -> str:
    places = {path: "302 the list again", f"{path}change/": "302 its page", "/admin/": "302 home"}
    where = answer.headers.get("location", "")
    return places.get(where, f"302 {where}") if answer.status == 302 else str(answer.status)


def wanted(asked: str) -> set[str]:
    found = [answers for pattern, answers in ANSWERS.items() if re.fullmatch(pattern, asked)]
    return found[-1] if found else {"403"}


class TestAnAuditor:
    def test_is_refused_whatever_is_posted_and_changes_nothing(self, site: Site, known: Known, noor: Person) -> None:
        forms, tables = asked(site)
        told = api(site, known)

        answers = [(f"{path} {form.get('action', '')}", path, noor.sends(path, form)) for path, form in forms]

        got = [(what, outcome(path, answer)) for what, path, answer in answers]
        assert [(what, found) for what, found in got if found not in wanted(what)] == []
        assert [what for what, _, answer in answers if "CSRF" in answer.text()] == []
        assert [found for _, found in got].count("403") > 100
        assert changed(site, tables) <= ADDED_TO
        assert api(site, known) == told

    def test_would_have_been_heard_in_another_role(self, site: Site, known: Known, asha: Person) -> None:
        forms, tables = asked(site)
        confirms = [(path, form) for path, form in forms if "seen" in form and "/desk/orders/" in path]
        told = api(site, known)

        answers = [asha.sends(path, form).status for path, form in confirms]

        assert set(answers) == {302}
        assert {"transactions.Order", "transactions.OrderCorrection"} <= changed(site, tables)
        assert api(site, known) != told

    def test_is_offered_no_button_that_changes_anything(self, site: Site, known: Known, noor: Person) -> None:
        noor.opens_order_of(site.lost())
        order = urlsplit(noor.page.url).path
        noor.go(STUDIO)
        smallcase = str(noor.page.get_by_role("link", name=OWN["meera"]).get_attribute("href"))
        noor.go(smallcase)
        draft = str(noor.page.get_by_role("link", name="View draft").get_attribute("href"))
        pages = ("/admin/", DESK, order, f"{DESK}tradebooks/1/", STUDIO, smallcase, draft, f"{draft}preview/")

        offered = {}
        for page in pages:
            noor.go(page)
            offered[page] = noor.page.locator(CHANGES).all_inner_texts()

        assert offered.pop(DESK) == ["Show"]  # what filters the queue
        assert [page for page, buttons in offered.items() if buttons] == []
        assert noor.page.locator("[data-weight]:enabled").count() == 0
