import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import results
from benchmarks.figures import Row, Side, Target, at_least, at_most
from benchmarks.page import MARKER, publish, written
from benchmarks.picture import distance, picture
from benchmarks.results import Result, merged


def row(figure: float, target: Target | None = None, **more: str) -> Row:
    return Row(path="create", against="bare <Django>", unit="×", figures=(figure,), target=target, **more)  # type: ignore[arg-type]


def result(name: str, *rows: Row) -> Result:
    return Result(
        name=name,
        command=f"make bench NAME={name}",
        day="2026-11-21",
        machine="2 × EPYC",
        servers="PostgreSQL 15.9, Redis 7.0",
        seconds=90,
        rows=rows,
    )


MISSED = row(0.5, at_least(0.6), held_back="django/db 40%")


class TestThePage:
    def test_says_what_made_each_table_when_and_where(self) -> None:
        page = written({"create": result("create", MISSED)}, before="")

        told = "`make bench NAME=create` · 2026-11-21 · 2 × EPYC · PostgreSQL 15.9, Redis 7.0 · 1.5 min"
        assert told in page

    def test_has_a_line_for_each_row_with_its_verdict(self) -> None:
        page = written({"create": result("create", MISSED, row(1.0, at_most(2)))}, before="")

        assert "| create | bare <Django> | 0.50 × | ≥ 0.60 | not reached |" in page
        assert "| create | bare <Django> | 1.00 × | ≤ 2.00 | reached |" in page

    def test_says_what_holds_a_row_back(self) -> None:
        page = written({"create": result("create", MISSED)}, before="")

        assert "- create, bare <Django>: held back by: django/db 40%" in page

    def test_keeps_what_was_written_by_hand(self) -> None:
        before = f"old table\n{MARKER}\n## What was changed\n\nAn index.\n"

        page = written({"create": result("create", MISSED)}, before=before)

        assert page.endswith(f"{MARKER}\n## What was changed\n\nAn index.\n")
        assert "old table" not in page

    def test_made_twice_is_the_same(self) -> None:
        once = written({"create": result("create", MISSED)}, before="")

        assert written({"create": result("create", MISSED)}, before=once) == once

    def test_is_published_with_picture_and_figures_beside_it(self, tmp_path: Path) -> None:
        publish({"create": result("create", MISSED)}, page=tmp_path / "performance.md")

        names = sorted(path.name for path in tmp_path.iterdir())
        assert names == ["performance.json", "performance.md", "performance.svg"]


class TestResults:
    def test_come_back_as_they_were_written(self, tmp_path: Path) -> None:
        sides = (Side("gateway", "requests/s", (1.0, 2.0)),)
        found = {"create": result("create", replace(MISSED, sides=sides)), "reads": result("reads")}

        results.write(tmp_path / "a.json", found)

        assert results.read(tmp_path / "a.json") == found

    def test_tell_whoever_reads_the_json_figure_and_verdict(self, tmp_path: Path) -> None:
        results.write(tmp_path / "a.json", {"create": result("create", MISSED)})

        (one,) = json.loads((tmp_path / "a.json").read_text())
        assert [(each["figure"], each["reached"]) for each in one["rows"]] == [(0.5, False)]

    def test_that_were_never_written_are_none(self, tmp_path: Path) -> None:
        assert results.read(tmp_path / "a.json") == {}

    def test_of_a_new_run_replace_the_old_ones_and_leave_the_others(self) -> None:
        old = {"reads": result("reads", MISSED), "create": result("create", MISSED), "gone": result("gone")}
        new = result("create", row(0.7, at_least(0.6)))

        every = merged(old, [new], ["create", "reads"])

        assert list(every) == ["create", "reads"]
        assert (every["create"], every["reads"]) == (new, old["reads"])


class TestThePicture:
    def test_has_a_bar_for_each_row_with_a_target(self) -> None:
        drawn = ElementTree.fromstring(picture([MISSED, row(3.0), row(1.0, at_most(2))]))

        bars = drawn.findall(".//{http://www.w3.org/2000/svg}rect")
        assert [bar.get("class") for bar in bars] == ["missed", "reached"]

    @pytest.mark.parametrize(
        ("figure", "target", "decades"),
        [
            (6.0, at_least(0.6), 1.0),
            (0.06, at_least(0.6), -1.0),
            (15.0, at_most(1.5), -1.0),
            (0.15, at_most(1.5), 1.0),
            (0.0, at_most(0), 1.0),
            (2.0, at_most(0), -1.0),
        ],
    )
    def test_tells_better_from_worse_whichever_way_the_target_points(
        self, figure: float, target: Target, decades: float
    ) -> None:
        assert distance(row(figure, target)) == pytest.approx(decades)
