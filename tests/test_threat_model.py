"""The threat model names every operation, and no test that is not there."""

import re
from pathlib import Path
from typing import Final

from django.contrib import admin

from tests.isolation.asking import OPERATIONS
from tests.isolation.rows import OPEN

TESTS: Final = Path(__file__).parent
TEXT: Final = (TESTS.parent / "docs" / "threat-model.md").read_text()
QUOTED: Final = re.findall(r"`([^`]+)`", TEXT)


class TestTheThreatModel:
    def test_names_every_operation(self) -> None:
        doors = {re.sub(r"/{\w+}$", "", operation.path).rpartition("/")[2] for operation in OPERATIONS.values()}

        assert {door for door in doors if not re.search(rf"\b{door}\b", TEXT)} == set()

    def test_names_every_open_door(self) -> None:
        assert {path for path in OPEN if f"`{path}`" not in TEXT} == set()

    def test_names_tests_that_are_there(self) -> None:
        named = {text.partition("::")[0] for text in QUOTED if re.match(r"[a-z_/]+\.py", text)}
        own = {name for name in named if not (TESTS.parent / name).exists()}

        assert {name for name in own if not (TESTS / name.removeprefix("tests/")).exists()} == set()

    def test_names_classes_that_are_there(self) -> None:
        text = "".join(path.read_text() for path in TESTS.rglob("test_*.py"))
        named = {found for quoted in QUOTED for found in re.findall(r"\bTest[A-Z]\w+", quoted)}

        assert {name for name in named if f"class {name}:" not in text} == set()

    def test_speaks_of_each_console_page_that_can_change_something(self) -> None:
        changing = [
            str(model._meta.verbose_name_plural) for model, page in admin.site._registry.items() if page.actions
        ]

        assert changing
        assert {name for name in changing if name not in TEXT} == set()
