"""People of the console: each in a group of the console's own, each at a browser of their own."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from playwright.sync_api import APIResponse, Browser, ConsoleMessage, Page

from tests.processes.stack import manage

PEOPLE: Final = {"asha": "Support", "ravi": "Support", "meera": "Managers", "kiran": "Managers", "noor": "Auditors"}
OWN: Final = {"meera": "SCSC_0001", "kiran": "SCMA_0002"}  # others' are the demo site's
PASSWORD: Final = "four eyes see more"
PATIENCE: Final = 20_000  # ms; the machine may be busy with other tests
DESK: Final = "/admin/transactions/ordercorrection/desk/"
STUDIO: Final = "/admin/smallcases/smallcase/studio/"
MAKE_PEOPLE: Final = f"""
from django.contrib.auth.models import Group, User
from smallcases.models import Smallcase
for name, group in {PEOPLE}.items():
    User.objects.create_user(name, password="{PASSWORD}", is_staff=True).groups.add(Group.objects.get(name=group))
for name, scid in {OWN}.items():
    Smallcase.objects.filter(scid=scid).update(manager=User.objects.get(username=name))
"""


def make_people(environment: dict[str, str]) -> None:
    manage("shell", "-c", MAKE_PEOPLE, environment=environment)


def sign_in(page: Page, base: str, name: str, password: str = PASSWORD) -> None:
    page.goto(f"{base}/admin/")
    page.fill("#id_username", name)
    page.fill("#id_password", password)
    page.click("input[type=submit]")
    page.wait_for_selector("#user-tools")


def desktop(browser: Browser) -> Page:
    """In a context of its own."""
    return browser.new_context(viewport={"width": 1280, "height": 900}).new_page()


class Person:
    """Logged in. `complaints` are the browser's."""

    def __init__(self, page: Page, base: str, name: str, password: str = PASSWORD) -> None:
        self.page, self.base, self.complaints = page, base, list[str]()
        self.page.set_default_timeout(PATIENCE)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self.note)
        sign_in(self.page, base, name, password)

    def note(self, message: ConsoleMessage) -> None:
        is_favicon = message.location["url"].endswith("/favicon.ico")  # which browsers ask for unasked
        if message.type == "error" and not is_favicon:
            self.complaints.append(f"{self.page.url}: {message.text}")

    def go(self, path: str) -> None:
        self.page.goto(self.base + path)

    def reads(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for()

    def presses(self, button: str) -> None:
        self.page.get_by_role("button", name=button).first.click()

    def sends(self, path: str, form: Mapping[str, Any]) -> APIResponse:
        """A form, whether or not a page offers it, with the token that the page they look at carries; a redirect is the
        answer."""
        token = self.page.locator("input[name=csrfmiddlewaretoken]").first.input_value()
        body = urlencode({**form, "csrfmiddlewaretoken": token}, doseq=True)
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return self.page.request.post(self.base + path, data=body, headers=headers, max_redirects=0)

    def opens_order_of(self, client: str) -> None:
        """The lost one, by the queue."""
        self.go(DESK)
        self.page.locator("tr", has_text=client).get_by_role("link").first.click()
        self.page.wait_for_selector("#asked")

    def settles(self, *, status: str, shares: int, price: str, reason: str, number: str = "1100000000000001") -> None:
        """The form and the preview, as far as the button that does it."""
        page = self.page
        page.select_option("#id_status", status)
        page.fill("#id_filled_quantity", str(shares))
        page.fill("#id_average_price", price)
        page.fill("#id_exchange_order_id", number if shares else "")
        page.fill("#id_reason", reason)
        self.presses("Preview")
        self.reads("nothing has been saved.")

    def uploads(self, text: str) -> None:
        """A tradebook, as far as its rows with their verdicts."""
        self.go(f"{DESK}tradebooks/")
        self.page.set_input_files("#id_file", {"name": "book.csv", "mimeType": "text/csv", "buffer": text.encode()})
        self.presses("Upload and match")
        self.page.wait_for_selector(".desk-verdicts")

    def opens_draft_of(self, scid: str) -> tuple[str, str]:
        """At its editor, begun where there is none: the paths of the smallcase and of the draft."""
        self.go(STUDIO)
        self.page.get_by_role("link", name=scid).click()
        self.page.wait_for_selector("#current")
        smallcase = self.page.url
        self.page.locator("button:text('Create rebalance'), a:text('Edit draft')").click()
        self.page.wait_for_selector("#lines")
        return urlsplit(smallcase).path, urlsplit(self.page.url).path

    def leaves(self) -> None:
        self.page.context.close()
        assert self.complaints == []
