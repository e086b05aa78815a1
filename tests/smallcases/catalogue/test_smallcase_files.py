import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from brokers.models import Instrument
from gateway.values.errors import Invalid
from smallcases.catalogue.smallcase_files import CatalogueNames, SmallcaseFile, read_smallcases
from smallcases.management.commands.load_smallcases import SHIPPED
from smallcases.planner import minimum_investment
from tests.smallcases.conftest import Write

KNOWN = CatalogueNames(
    tradable={
        "INFY": True,
        "TCS": True,
        "WIPRO": True,
        "NIFTYBEES": True,
        "DEAD": False,
        **{f"T{n}": True for n in range(60)},
    },
    managers={"meera"},
    today=date(2026, 11, 20),
)
WHOLE: dict[str, Any] = {
    "scid": "SCNM_0001",
    "name": "Two Houses",
    "short_description": "Two houses of software.",
    "rationale": "They write it once and sell it often.",
    "publisher": "Banyan",
    "kind": "Sector",
    "schedule": "Quarterly",
    "benchmark": "NIFTYBEES",
    "risk": "Medium volatility",
    "launched_on": "2026-11-02",
    "constituents": [{"ticker": "INFY", "weight": 60}, {"ticker": "TCS", "weight": 40}],
}
HEADER = "scid,name,short_description,rationale,publisher,kind,schedule,benchmark,risk,launched_on,ticker,weight\n"
FIRST_ROW = "SCNM_0001,Two Houses,Short,Long,Banyan,Sector,Quarterly,NIFTYBEES,Medium volatility,2026-11-02,INFY,60\n"
HEAD = HEADER + FIRST_ROW
NEXT_ROW = "SCNM_0001,,,,,,,,,,TCS,40\n"


def of(*smallcases: dict[str, Any]) -> str:
    """A smallcase a line, the first on line 2."""
    return "[\n" + ",\n".join(json.dumps(one) for one in smallcases) + "\n]\n"


def read(path: Path) -> SmallcaseFile:
    return read_smallcases(path, known=KNOWN)


def rejects(path: Path) -> list[str]:
    reading = read(path)
    assert not reading.drafts or reading.rejects
    return [f"{reject.line}: {reject.reason}" for reject in reading.rejects]


def is_refused(path: Path) -> bool:
    try:
        return bool(read(path).rejects)
    except Invalid:
        return True


class TestJson:
    def test_gives_a_draft_of_each_smallcase(self, write: Write) -> None:
        first, second = read(write(of(WHOLE, WHOLE | {"scid": "SCNM_0002", "manager": "meera"}))).drafts

        assert (first.scid, first.benchmark, first.launched_on, first.manager) == (
            "SCNM_0001",
            "NIFTYBEES",
            date(2026, 11, 2),
            "",
        )
        assert first.texts["name"] == "Two Houses"
        assert [(one.ticker, one.weight) for one in first.constituents] == [("INFY", Decimal(60)), ("TCS", Decimal(40))]
        assert (second.scid, second.manager, second.line) == ("SCNM_0002", "meera", 3)

    def test_keeps_weights_exact(self, write: Write) -> None:
        thirds = [{"ticker": f"T{n}", "weight": 14.2857} for n in range(6)] + [{"ticker": "INFY", "weight": 14.2858}]

        (draft,) = read(write(of(WHOLE | {"constituents": thirds}))).drafts

        assert sum(one.weight for one in draft.constituents) == 100

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"scid": "scnm_1"}, "2: scnm_1: scid must look like SCNM_0001"),
            ({"scid": None}, "2: a smallcase without scid: scid must look like SCNM_0001"),
            ({"name": "  "}, "2: SCNM_0001: name must have 1 to 80 characters"),
            ({"name": "n" * 81}, "2: SCNM_0001: name must have 1 to 80 characters"),
            ({"name": 7}, "2: SCNM_0001: name must be a string"),
            (
                {"name": "a\0b"},
                "2: SCNM_0001: name contains a character that cannot be stored (NUL or a lone surrogate)",
            ),
            (
                {"rationale": "\ud800"},
                "2: SCNM_0001: rationale contains a character that cannot be stored (NUL or a lone surrogate)",
            ),
            ({"kind": "Hunch"}, "2: SCNM_0001: kind must be one of Thematic, Sector, Factor, Multi-asset"),
            ({"benchmark": "NIFTY"}, "2: SCNM_0001: benchmark 'NIFTY' is not in the catalogue"),
            ({"manager": "nobody"}, "2: SCNM_0001: manager 'nobody' is not a user"),
            ({"image_url": "http://x.example/a.png"}, "2: SCNM_0001: image_url must be an https URL"),
            ({"launched_on": "2026-13-01"}, "2: SCNM_0001: launched_on must be a date such as 2024-04-01"),
            ({"launched_on": "2026-11-21"}, "2: SCNM_0001: launched_on must be between 2000-01-01 and today"),
            ({"launched_on": "0001-01-01"}, "2: SCNM_0001: launched_on must be between 2000-01-01 and today"),
            ({"logo": "x"}, "2: SCNM_0001: logo is not a field of a smallcase"),
        ],
    )
    def test_refuses_a_wrong_field_by_line(self, write: Write, change: dict[str, Any], told: str) -> None:
        assert rejects(write(of(WHOLE | change))) == [told]

    @pytest.mark.parametrize(
        ("weights", "told"),
        [
            ({"INFY": 100}, ["A version has 2 to 50 constituents, not 1."]),
            ({f"T{n}": 2 for n in range(49)} | {"INFY": 1, "TCS": 1}, ["A version has 2 to 50 constituents, not 51."]),
            ({"INFY": 60, "TCS": 39.99}, ["The weights sum to 99.99 %; they must sum to 100 %."]),
            ({"INFY": 60, "TSC": 40}, ["TSC is not in the catalogue of instruments."]),
            ({"INFY": 60, "DEAD": 40}, ["DEAD cannot be traded."]),
            (
                {"INFY": 100.5, "TCS": -0.5},
                [
                    "INFY: a weight must be above 0 and at most 100, with at most 4 decimals, not 100.5.",
                    "TCS: a weight must be above 0 and at most 100, with at most 4 decimals, not -0.5.",
                ],
            ),
        ],
    )
    def test_refuses_constituents_that_make_no_version(
        self, write: Write, weights: dict[str, float], told: list[str]
    ) -> None:
        rows = [{"ticker": ticker, "weight": weight} for ticker, weight in weights.items()]

        assert rejects(write(of(WHOLE | {"constituents": rows}))) == [f"2: SCNM_0001: {sentence}" for sentence in told]

    def test_rejects_a_ticker_given_twice(self, write: Write) -> None:
        rows = [{"ticker": ticker, "weight": weight} for ticker, weight in (("INFY", 60), ("TCS", 20), ("INFY", 20))]

        assert rejects(write(of(WHOLE | {"constituents": rows}))) == ["2: SCNM_0001: INFY is in the version 2 times."]

    def test_rejects_a_smallcase_given_twice(self, write: Write) -> None:
        assert rejects(write(of(WHOLE, WHOLE))) == [f"{line}: SCNM_0001 is in the file twice" for line in (2, 3)]

    @pytest.mark.parametrize("weight", ["true", "null", '"much"', '"NaN"', "[1]", '""', '"' + "9" * 50 + '"'])
    def test_refuses_a_weight_that_is_no_number(self, write: Write, weight: str) -> None:
        (told,) = rejects(write(of(WHOLE).replace("40}", f"{weight}}}")))

        assert told.startswith("2: TCS: a weight must be above 0 and at most 100, with at most 4 decimals, not ")

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("", "smallcases.json must contain a list of smallcases: [{…}, …]."),
            ("[]", "smallcases.json contains no smallcase."),
            ("{}", "smallcases.json must contain a list of smallcases: [{…}, …]."),
            ("[7]", "smallcases.json, line 1: a smallcase must be an object."),
            ("[{}]", 'line 1: constituents must be a list of {"ticker": …, "weight": …}.'),
            ("[\n{},\n]", 'line 2: constituents must be a list of {"ticker": …, "weight": …}.'),
            (of(WHOLE) + "x", "smallcases.json, line 3: there is text after the list."),
            (of(WHOLE).replace("60", "NaN"), "smallcases.json, line 2: not JSON: NaN is not a number."),
            ("[" * 100_000, None),
        ],
    )
    def test_refuses_another_shape(self, write: Write, text: str, told: str | None) -> None:
        with pytest.raises(Invalid) as refusal:
            read(write(text))

        assert told is None or refusal.value.sentences == (told,)

    def test_cut_short_anywhere_is_refused(self, write: Write) -> None:
        text = of(WHOLE, WHOLE | {"scid": "SCNM_0002"}).rstrip()

        for end in range(len(text)):
            with pytest.raises(Invalid):
                read(write(text[:end]))

    def test_cut_short_says_so_with_the_line(self, write: Write) -> None:
        with pytest.raises(Invalid) as refusal:
            read(write(of(WHOLE, WHOLE)[:-80]))

        assert refusal.value.sentences == ("smallcases.json, line 3: not JSON: the file is truncated here.",)

    @pytest.mark.parametrize(
        ("raw", "told"),
        [
            (of(WHOLE).encode("utf-16"), "smallcases.json is not UTF-8: line 1 contains the byte 0xff."),
            (
                of(WHOLE | {"name": "Z"}).replace('"Z"', '"Häuser"').encode("latin-1"),
                "smallcases.json is not UTF-8: line 2 contains the byte 0xe4.",
            ),
            (b"[\0]", "smallcases.json cannot be used: it is larger than 16 MiB or contains NUL characters."),
        ],
    )
    def test_in_another_encoding_is_refused(self, write: Write, raw: bytes, told: str) -> None:
        with pytest.raises(Invalid) as refusal:
            read(write(raw))

        assert refusal.value.sentences == (told,)

    def test_with_a_byte_order_mark_is_read(self, write: Write) -> None:
        assert len(read(write(of(WHOLE).encode("utf-8-sig"))).drafts) == 1

    @pytest.mark.parametrize("name", ["no-such.json", "."])
    def test_that_cannot_be_read_is_refused(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(Invalid, match="cannot be read"):
            read(tmp_path / name)


class TestCsv:
    def test_gathers_the_rows_of_a_smallcase(self, write: Write) -> None:
        (draft,) = read(write(HEAD + NEXT_ROW, "smallcases.csv")).drafts

        assert (draft.scid, draft.texts["name"]) == ("SCNM_0001", "Two Houses")
        assert [(one.ticker, one.weight) for one in draft.constituents] == [("INFY", Decimal(60)), ("TCS", Decimal(40))]

    @pytest.mark.parametrize(
        ("row", "told"),
        [
            ("SCNM_0001,,,,,,,,,,TSC,40\n", "3: SCNM_0001: TSC is not in the catalogue of instruments."),
            ("SCNM_0001,,,,,,,,,,INFY,40\n", "3: SCNM_0001: INFY is in the version 2 times."),
            ("SCNM_0001,,,,,,,,,,TCS,4\n", "2: SCNM_0001: The weights sum to 64 %; they must sum to 100 %."),
            ("SCNM_0001,,,,,,,,,,,40\n", "3: ticker must not be empty"),
        ],
    )
    def test_refuses_a_constituent_by_its_own_line(self, write: Write, row: str, told: str) -> None:
        assert rejects(write(HEAD + row, "smallcases.csv")) == [told]

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("scid,ticker\n", "smallcases.csv: missing columns: weight."),
            (HEADER, "smallcases.csv contains no smallcase."),
            (HEAD + "SCNM_0001,,,,,,,", "smallcases.csv, line 3: the row has more or fewer cells than the header."),
            (HEAD + 'SCNM_0001,"cut', "smallcases.csv, line 3: unexpected end of data; is the file truncated?"),
            (
                HEAD + "SCNM_0001,Another,,,,,,,,,TCS,40\n",
                "smallcases.csv, line 3: name of SCNM_0001 differs from line 2.",
            ),
        ],
    )
    def test_refuses_a_file_that_is_not_whole(self, write: Write, text: str, told: str) -> None:
        with pytest.raises(Invalid) as refusal:
            read(write(text, "smallcases.csv"))

        assert refusal.value.sentences == (told,)

    def test_cut_short_anywhere_is_refused(self, write: Write) -> None:
        text = (HEAD + NEXT_ROW).rstrip()

        for end in range(len(text)):
            assert is_refused(write(text[:end], "smallcases.csv")), text[:end]


@pytest.mark.usefixtures("instruments")
class TestTheShippedCatalogue:
    def test_is_varied(self) -> None:
        tradable = dict(Instrument.objects.values_list("symbol", "tradable"))
        reading = read_smallcases(SHIPPED, known=CatalogueNames(tradable, set(), date(2026, 1, 1)))
        sizes = sorted(len(draft.constituents) for draft in reading.drafts)

        assert reading.rejects == []
        assert len(reading.drafts) >= 20
        assert (sizes[0], sizes[-1]) == (2, 30)
        assert {draft.texts["kind"] for draft in reading.drafts} == {"Thematic", "Sector", "Factor", "Multi-asset"}
        assert {draft.launched_on.year for draft in reading.drafts} == {2023, 2024, 2025}

    def test_is_within_an_ordinary_investors_means(self) -> None:
        """At the reference prices. Prices move, so the most expensive one has room below ₹1,00,000."""
        prices = dict(Instrument.objects.values_list("symbol", "reference_price"))
        names = CatalogueNames(dict.fromkeys(prices, True), set(), date(2026, 1, 1))
        minima = sorted(
            minimum_investment(weights={one.ticker: one.weight for one in draft.constituents}, prices=prices)
            for draft in read_smallcases(SHIPPED, known=names).drafts
        )

        assert minima[-1] <= 70_000
        assert sum(minimum >= 500 for minimum in minima) >= 20
