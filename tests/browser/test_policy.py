"""Pages work under their Content-Security-Policy: a browser that enforces it has nothing to complain about."""

import pytest
from django.contrib import admin

from tests.browser.conftest import Site, Visitor
from tests.browser.people import sign_in

CONSOLE = sorted(f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry)
INLINE = """
    const script = document.createElement("script"); script.textContent = "window.ran = true";
    document.head.append(script)
"""


def enter(person: Visitor, password: str) -> None:
    sign_in(person.page, person.base, "admin", password)


class TestTheApiDocs:
    def test_open_an_operation_without_a_complaint(self, person: Visitor) -> None:
        person.go("/api/docs/")

        person.page.click("#operations-Partner-createTransaction .opblock-summary-control")

        person.page.wait_for_selector("#operations-Partner-createTransaction .opblock-body .try-out")
        assert person.complaints == []

    def test_send_a_request_from_the_page(self, person: Visitor) -> None:
        person.go("/api/docs/")
        person.page.click("#operations-Sandbox-scenarios .opblock-summary-control")
        person.page.click("#operations-Sandbox-scenarios .try-out button")
        person.page.fill("#operations-Sandbox-scenarios input[placeholder=gateway]", "seen")

        with person.page.expect_response("**/sandbox/seen/scenarios") as sent:
            person.page.click("#operations-Sandbox-scenarios button.execute")

        assert sent.value.status == 401


class TestTheConsole:
    """test_console goes through its pages."""

    def test_is_left_without_a_complaint(self, person: Visitor, site: Site) -> None:
        enter(person, site.password)

        person.page.click("#logout-form button")

        person.page.wait_for_selector("text=Logged out")
        assert person.complaints == []

    @pytest.mark.parametrize("path", ["/api/docs/", "/admin/login/"])
    def test_runs_no_script_that_stands_in_the_page(self, person: Visitor, path: str) -> None:
        person.go(path)

        person.page.evaluate(INLINE)

        assert person.page.evaluate("window.ran") is None
        (complaint,) = person.complaints
        assert "Content Security Policy" in complaint
