"""`make test` says what it did not run, and gets the browser where it can."""

import os
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests import run, servers
from tests.browser import chromium
from tests.servers import Unobtainable

JUNIT = """<testsuites><testsuite>
<testcase classname="tests.a.TestA" name="test_runs"/>
<testcase classname="tests.b.TestB" name="test_looks"><skipped message="NOT LOOKED AT: no chromium."/></testcase>
<testcase classname="tests.c.TestC" name="test_looks_too"><skipped message="NOT LOOKED AT: no chromium."/></testcase>
</testsuite></testsuites>"""
APT = """#!/bin/sh
case "$*" in *install*) printf '#!/bin/sh\\n' > "{here}/chromium"; chmod +x "{here}/chromium";; esac
"""


class TestTheLastLines:
    def test_name_what_was_skipped_and_why(self, capsys: pytest.CaptureFixture[str]) -> None:
        cases = ElementTree.fromstring(JUNIT).iter("testcase")
        outcome = run.Outcome(label="Here", passed=1, failed=0, skipped=2, exit_code=0, unrun=sorted(run._skips(cases)))

        assert run._report([outcome], run.Missed()) == 0

        assert capsys.readouterr().out.splitlines()[1:] == [
            "NOT LOOKED AT: no chromium.",
            "  tests.b.TestB::test_looks",
            "  tests.c.TestC::test_looks_too",
            "Here: 1 passed, 0 failed, 2 skipped",
            "1 passed, 0 failed, 2 skipped",
        ]


class TestTheBrowser:
    @pytest.fixture(autouse=True)
    def bare_machine(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for tool in ("env", "sh", "chmod"):
            (tmp_path / tool).symlink_to(Path("/usr/bin") / tool)
        monkeypatch.setattr(servers, "IS_ROOT", True)
        monkeypatch.setitem(os.environ, "PATH", str(tmp_path))

    def test_is_installed_where_it_is_missing_and_can_be(self, tmp_path: Path) -> None:
        (tmp_path / "apt-get").write_text(APT.format(here=tmp_path))
        (tmp_path / "apt-get").chmod(0o755)

        assert run._browser() == f"Chromium: {tmp_path / 'chromium'}"

    def test_is_said_to_be_missing_where_it_cannot(self) -> None:
        with pytest.raises(Unobtainable):
            chromium.obtained()
        assert run._browser() == "No Chromium (that needs root and apt-get): what looks at pages will not run."

    @pytest.mark.parametrize(
        ("wanted", "looks"),
        [(["tests"], True), (["-x", "tests/browser/checkout"], True), (["tests/brokers"], False), (["-k", "x"], False)],
    )
    def test_is_wanted_by_runs_that_look_at_pages(self, wanted: list[str], looks: bool) -> None:
        assert run._looks_at_pages(wanted) is looks
