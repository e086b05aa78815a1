"""The code beside each step is the code that runs."""

import inspect
import subprocess
from pathlib import Path

import pytest

from shop import partner, webhook
from shop.snippets import BESIDE, CHECKOUT, NODE, STEPS, WEB, javascript_of, python_of, snippets
from tests import programs
from tests.shop.knocking import Knocker

SOURCES = inspect.getsource(partner) + inspect.getsource(webhook)


class TestTheSnippets:
    @pytest.mark.parametrize("name", STEPS)
    def test_stand_in_the_source_as_they_are_shown(self, name: str) -> None:
        step = STEPS[name]

        assert all(part in SOURCES for part in python_of(step).split("\n\n\n"))
        assert all(inspect.getsource(function) in python_of(step) for function in step.python)
        assert all(f"function {function}(" in javascript_of(step) for function in step.javascript)

    def test_of_the_page_are_the_pages_own(self, knock: Knocker) -> None:
        shown = next(step["page"] for step in snippets()["stocks"] if "page" in step)

        assert shown.encode() in knock("GET", "/assets/checkout.js").content
        assert shown in CHECKOUT.read_text()

    def test_are_in_both_languages(self) -> None:
        assert [name for name, step in STEPS.items() if bool(step.python) != bool(step.javascript)] == []
        assert {name for names in BESIDE.values() for name in names} == set(STEPS)


class TestTheJavaScript:
    @pytest.mark.parametrize("file", [NODE, *sorted(WEB.glob("*.js"))], ids=lambda path: path.name)
    def test_is_understood(self, file: Path, tmp_path: Path) -> None:
        """As a module, whatever its name."""
        copy = tmp_path / f"{file.stem}.mjs"
        copy.write_text(file.read_text())

        done = subprocess.run([programs.NODE, "--check", str(copy)], check=False, capture_output=True, text=True)

        assert (done.returncode, done.stderr) == (0, "")
