from decimal import Decimal

import pytest

from gateway.values.errors import Invalid
from smallcases.rebalancing.rebalance_files import read_rebalance
from tests.smallcases.conftest import Write

ROWS = '[{"ticker": "INFY", "weight": 50.5}, {"ticker": "TCS", "weight": 49.5}]'
TOLD = '{"label": "Anew", "rationale": "Why not", "constituents": ' + ROWS + "}"
CSV = "ticker,weight\nINFY,50.5\nTCS,49.5\n"


class TestReadRebalance:
    @pytest.mark.parametrize(
        ("text", "name", "label"),
        [(TOLD, "r.json", "Anew"), (ROWS, "r.json", ""), (CSV, "r.csv", "")],
    )
    def test_takes_json_and_csv(self, write: Write, text: str, name: str, label: str) -> None:
        found = read_rebalance(write(text, name))

        assert (found.label, found.rejects) == (label, [])
        assert [(one.ticker, one.weight) for one in found.constituents] == [
            ("INFY", Decimal("50.5")),
            ("TCS", Decimal("49.5")),
        ]

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            (CSV.replace("49.5", "49"), "1: The weights sum to 99.5 %; they must sum to 100 %."),
            (CSV.replace("TCS", "INFY"), "3: INFY is in the version 2 times."),
            (
                CSV.replace("49.5", "much"),
                "3: TCS: a weight must be above 0 and at most 100, with at most 4 decimals, not 'much'.",
            ),
            ("ticker,weight\nINFY,100\n", "1: A version has 2 to 50 constituents, not 1."),
        ],
    )
    def test_rejects_by_line(self, write: Write, text: str, told: str) -> None:
        (reject,) = read_rebalance(write(text, "r.csv")).rejects

        assert f"{reject.line}: {reject.reason}" == told

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("{", "r.json, line 1: not JSON: the file is truncated here."),
            (TOLD[:-3], "r.json, line 1: not JSON: the file is truncated here."),
            ("7", 'line 1: constituents must be a list of {"ticker": …, "weight": …}.'),
            ('{"labels": "x"}', "labels: not a field of a rebalance; accepted: label, rationale, constituents."),
            (TOLD.replace('"Anew"', "7"), "label must be a string."),
        ],
    )
    def test_refuses_another_shape(self, write: Write, text: str, told: str) -> None:
        with pytest.raises(Invalid) as refusal:
            read_rebalance(write(text, "r.json"))

        assert refusal.value.sentences == (told,)
