"""Pictures that say in words what they show, and bring no style and no script."""

from xml.etree import ElementTree

import pytest

from gateway.console.charts import MOST_POINTS, Bar, Pair, bars, line, pairs


def _svg(figure: str) -> ElementTree.Element:
    found = ElementTree.fromstring(figure).find("svg")
    assert found is not None
    return found


class TestBars:
    def test_are_as_high_as_their_values(self) -> None:
        drawn = _svg(bars("Fills", [Bar("a", 0), Bar("b", 1), Bar("c", 4)]))

        assert [rect.get("height") for rect in drawn.findall("rect")] == ["0.0", "26.0", "104.0"]
        assert [rect.findtext("title") for rect in drawn.findall("rect")] == ["a: 0", "b: 1", "c: 4"]
        assert drawn.get("aria-label") == "Fills: 5 in all, 4 at most."
        assert drawn.get("role") == "img"

    def test_say_their_ends_and_the_highest_below(self) -> None:
        caption = ElementTree.fromstring(bars("Fills", [Bar("00:00", 2), Bar("01:00", 4)])).find("figcaption")

        assert caption is not None
        assert [span.text for span in caption] == ["00:00", "highest 4", "01:00"]

    def test_of_nothing_stand_for_nothing(self) -> None:
        assert 'aria-label="Fills: 0 in all, 0 at most."' in bars("Fills", [])

    def test_escape_what_they_are_told(self) -> None:
        drawn = bars("<script>", [Bar('"><script>alert(1)</script>', 1)])

        assert "<script>" not in drawn
        ElementTree.fromstring(drawn)


class TestPairs:
    def test_show_before_above_after(self) -> None:
        drawn = ElementTree.fromstring(pairs("Weights", [Pair("INFY", 60, 30), Pair("ITC", 0, 15)]))

        rows = [(row.findtext("span"), [rect.get("width") for rect in row.iter("rect")]) for row in drawn]
        assert rows == [("INFY", ["100.0", "50.0"]), ("ITC", ["0.0", "25.0"])]
        assert drawn.get("aria-label") == "Weights: INFY from 60 to 30 %; ITC from 0 to 15 %."

    def test_escape_what_they_are_told(self) -> None:
        drawn = pairs("<script>", [Pair('"><script>alert(1)</script>', 1, 0)])

        assert "<script>" not in drawn
        ElementTree.fromstring(drawn)

    def test_of_nothing_stand_for_nothing(self) -> None:
        assert list(ElementTree.fromstring(pairs("Weights", []))) == []


class TestALine:
    def test_says_where_it_began_and_ended(self) -> None:
        drawn = _svg(line("Index", ["a", "b", "c"], [100.0, 90.0, 110.0]))

        assert drawn.get("aria-label") == "Index: from 100.00 to 110.00; lowest 90.00, highest 110.00."
        polyline = drawn.find("polyline")
        assert polyline is not None
        assert polyline.get("points") == "0.0,66.0 320.0,118.0 640.0,14.0"

    @pytest.mark.parametrize("values", [[], [1.0]])
    def test_needs_two_points(self, values: list[float]) -> None:
        assert line("Index", ["a"] * len(values), values) == ""

    def test_is_thinned_where_there_are_very_many(self) -> None:
        values = [float(number) for number in range(10_000)]

        polyline = _svg(line("Index", ["a"] * 10_000, values)).find("polyline")

        assert polyline is not None
        points = str(polyline.get("points")).split()
        assert MOST_POINTS <= len(points) <= MOST_POINTS + 1
        assert points[-1] == "640.0,14.0"

    def test_that_never_moves_is_drawn(self) -> None:
        assert "nan" not in line("Index", ["a", "b"], [5.0, 5.0])
