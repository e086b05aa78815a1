"""The manager's part: a version that is another, and whole."""

import csv
import json
from decimal import Decimal
from pathlib import Path

import pytest

from brokers.management.commands.load_instruments import SHIPPED as INSTRUMENTS
from shop.sandbox import shifted
from shop.snippets import WEB
from smallcases.catalogue.weights import Weighted, problems
from smallcases.management.commands.load_smallcases import SHIPPED as SMALLCASES

CATALOGUE = json.loads(Path(SMALLCASES).read_text())


def as_told(smallcase: dict[str, list[dict[str, float]]]) -> list[dict[str, float]]:
    """Weights as the Partner API has them: fractions."""
    return [{**line, "weight": line["weight"] / 100} for line in smallcase["constituents"]]


class TestShifted:
    @pytest.mark.parametrize("smallcase", CATALOGUE, ids=lambda one: one["scid"])
    def test_makes_another_version_of_each_smallcase(self, smallcase: dict[str, list[dict[str, float]]]) -> None:
        told = as_told(smallcase)

        once = shifted(told)
        twice = shifted([{**line, "weight": line["weight"] / 100} for line in once])

        for made in (once, twice):
            weighted = [Weighted(line["ticker"], Decimal(str(line["weight"]))) for line in made]
            assert [problem.sentence for problem in problems(weighted)] == []
        assert once != [{"ticker": line["ticker"], "weight": line["weight"] * 100} for line in told]
        assert once != twice

    def test_moves_a_third_of_the_heaviest_to_the_lightest(self) -> None:
        lines = [{"ticker": "A", "weight": 0.5}, {"ticker": "B", "weight": 0.3}, {"ticker": "C", "weight": 0.2}]

        assert shifted(lines) == [
            {"ticker": "A", "weight": 33.3334},
            {"ticker": "B", "weight": 30.0},
            {"ticker": "C", "weight": 36.6666},
        ]


class TestTheList:
    def test_of_stocks_holds_what_the_gateway_trades(self) -> None:
        listed = [one["ticker"] for one in json.loads((WEB / "stocks.json").read_text())]

        with INSTRUMENTS.open() as file:
            traded = {row["symbol"] for row in csv.DictReader(file)}

        assert len(listed) == len(set(listed)) == 212
        assert set(listed) <= traded
