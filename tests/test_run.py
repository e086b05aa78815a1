"""`make test` says what it did not run, and gets what it needs where it can."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests import programs, run
from tests.programs import ROOT, Program, Unobtainable

JUNIT = """<testsuites><testsuite>
<testcase classname="tests.a.TestA" name="test_runs"/>
<testcase classname="tests.b.TestB" name="test_looks"><skipped message="there is no browser"/></testcase>
<testcase classname="tests.c.TestC" name="test_looks_too"><skipped message="there is no browser"/></testcase>
</testsuite></testsuites>"""
APT = """#!/bin/sh
case "$*" in *install*) printf '#!/bin/sh\\n' > "{here}/spinner"; chmod +x "{here}/spinner";; esac
"""
SPINNER = Program(("spinner",), package="spinner")
SKIPPED = (("there is no browser", "tests.b.TestB::test_looks"),)


def outcome(*, passed: int = 1, skipped: int = 0, exit_code: int = 0) -> run.Outcome:
    unrun = SKIPPED * skipped
    return run.Outcome(label="Here", passed=passed, failed=0, skipped=skipped, exit_code=exit_code, unrun=unrun)


def report(*outcomes: run.Outcome, left: tuple[str, ...] = (), may_skip: bool = True, selects: bool = False) -> int:
    return run._report(outcomes, left=left, took="90 s", may_skip=may_skip, selects=selects)


class TestTheLastLines:
    def test_name_what_was_skipped_and_why(self, capsys: pytest.CaptureFixture[str]) -> None:
        skips = sorted(run._skips(ElementTree.fromstring(JUNIT).iter("testcase")))
        here = run.Outcome(label="Here", passed=1, failed=0, skipped=2, exit_code=0, unrun=skips)

        assert report(here) == 0

        assert capsys.readouterr().out.splitlines()[1:] == [
            "Skipped: there is no browser",
            "  tests.b.TestB::test_looks",
            "  tests.c.TestC::test_looks_too",
            "Here: 1 passed, 0 failed, 2 skipped",
            "90 s",
            "1 passed, 0 failed, 2 skipped",
        ]

    def test_name_what_a_test_left(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert report(outcome(), left=("gateway-x",)) == 1
        assert "Left in the temporary directory by a test: gateway-x" in capsys.readouterr().out


class TestTheExitCode:
    @pytest.mark.parametrize(("may_skip", "code"), [(True, 0), (False, 1)])
    def test_forgives_skips_unless_told_otherwise(self, may_skip: bool, code: int) -> None:
        assert report(outcome(skipped=1), may_skip=may_skip) == code
        assert report(outcome(), may_skip=may_skip) == 0

    def test_forgives_a_selection_that_leaves_nothing_for_one_of_two_runs(self) -> None:
        empty = outcome(passed=0, exit_code=run.NOTHING_COLLECTED)

        assert (report(outcome(), empty, selects=True), report(empty, selects=True)) == (0, 1)

    def test_forgives_nothing_collected_of_no_selection(self) -> None:
        assert report(outcome(), outcome(passed=0, exit_code=run.NOTHING_COLLECTED)) == 1

    def test_tells_of_a_run_that_failed(self) -> None:
        assert report(outcome(), outcome(exit_code=2)) == 1


class TestArguments:
    @pytest.mark.parametrize(
        ("arguments", "paths"),
        [
            ([], []),
            (["--long", "-x"], []),
            (["-k", "tests"], []),
            (["--ignore", "tests/browser", "--deselect", "tests/test_run.py::TestArguments"], []),
            (["--rootdir", "tests", "--confcutdir", "tests"], []),
            (["-x", "tests/browser/checkout"], ["tests/browser/checkout"]),
            (["tests/test_run.py::TestArguments"], ["tests/test_run.py::TestArguments"]),
        ],
    )
    def test_are_paths_or_options(self, arguments: list[str], paths: list[str]) -> None:
        assert run._paths(arguments) == paths

    @pytest.mark.parametrize(
        ("arguments", "selects"),
        [([], False), (["-x", "--maxfail=1"], False), (["-k", "word"], True), (["-kword"], True), (["-m", "x"], True)],
    )
    def test_select_with_k_or_m(self, arguments: list[str], selects: bool) -> None:
        assert run._selects(arguments) is selects

    @pytest.mark.parametrize(
        ("path", "needed"),
        [("tests", True), ("tests/browser/checkout", True), ("tests/browser/", True), ("tests/brokers", False)],
    )
    def test_decide_which_programs_are_needed(self, path: str, needed: bool) -> None:
        assert run._overlap(path, "tests/browser") is needed


class TestAMissingProgram:
    @pytest.fixture(autouse=True)
    def bare_machine(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for tool in ("env", "sh", "chmod"):
            (tmp_path / tool).symlink_to(Path("/usr/bin") / tool)
        monkeypatch.setattr(programs, "IS_ROOT", True)
        monkeypatch.setitem(os.environ, "PATH", str(tmp_path))

    def test_is_installed_where_it_can_be(self, tmp_path: Path) -> None:
        (tmp_path / "apt-get").write_text(APT.format(here=tmp_path))
        (tmp_path / "apt-get").chmod(0o755)

        assert run._obtained(SPINNER) == f"spinner: {tmp_path / 'spinner'}"

    def test_is_named_where_it_cannot(self) -> None:
        with pytest.raises(Unobtainable):
            SPINNER.obtained()
        assert run._obtained(SPINNER) == (
            "No spinner (this machine: none there; apt-get install: that needs root and apt-get):"
            " the tests that need it will be skipped."
        )

    def test_that_cannot_be_installed_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "apt-get").write_text("#!/bin/sh\necho E: Unable to locate package spinner >&2; exit 100\n")
        (tmp_path / "apt-get").chmod(0o755)

        with pytest.raises(Unobtainable, match="Unable to locate package spinner"):
            SPINNER.obtained()


class TestAdopting:
    def adopt(self, script: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "tests.adopting", "/bin/sh", "-c", script]
        return subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=60)

    def test_passes_the_exit_code_on(self) -> None:
        assert self.adopt("exit 3").returncode == 3

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives a process its orphans")
    def test_waits_for_orphans(self, tmp_path: Path) -> None:
        done = self.adopt(f"(sleep 0.3; touch {tmp_path}/came) & exit 0")

        assert (done.returncode, list(tmp_path.iterdir())) == (0, [tmp_path / "came"])

    def test_ends_its_command_as_a_ctrl_c_would(self) -> None:
        command = [
            sys.executable,
            "-m",
            "tests.adopting",
            "/bin/sh",
            "-c",
            "trap 'kill $!; exit 4' INT; sleep 9 & echo up; wait",
        ]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 4


@pytest.mark.parametrize("path", [*run.QUICK, *run.AGAIN, *run.NOT_AGAIN])
def test_a_path_that_is_named_exists(path: str) -> None:
    """pytest collects nothing at all if one of its paths is missing."""
    assert (ROOT / path).exists()
