import json
from datetime import date, time

import pytest

from brokers.market.market_days.market_day_files import ListedDay, read_market_days
from gateway.values.errors import Invalid

HOLIDAYS = (
    "26-Jan-2027 Republic Day",
    "11-Mar-2027 Id-Ul-Fitr",
    "22-Mar-2027 Holi",
    "26-Mar-2027 Good Friday",
    "14-Apr-2027 Ambedkar Jayanti",
    "15-Apr-2027 Ram Navami",
    "17-May-2027 Bakri Id",
    "16-Jun-2027 Muharram",
    "15-Aug-2027 Independence Day",
    "29-Oct-2027 Diwali Laxmi Pujan*",
)


def nse_json(holidays: tuple[str, ...] = HOLIDAYS) -> str:
    rows = [
        {"tradingDate": one[:11], "weekDay": "", "description": one[12:], "morning_session": None, "Sr_no": number}
        for number, one in enumerate(holidays, start=1)
    ]
    return json.dumps({"CM": rows, "FO": [], "MF": []})


def nse_csv(holidays: tuple[str, ...] = HOLIDAYS) -> str:
    rows = [f'"{number}","{one[:11]}","","{one[12:]} "' for number, one in enumerate(holidays, start=1)]
    return "\n".join(['"SR. NO ", "DATE","DAY ","DESCRIPTION "', *rows])


class TestNsesList:
    @pytest.mark.parametrize("text", [nse_json(), nse_csv()], ids=["json", "csv"])
    def test_names_the_holidays_of_a_whole_year(self, text: str) -> None:
        found = read_market_days(text, "list")

        assert found.days[date(2027, 3, 11)] == ListedDay((), "Id-Ul-Fitr")
        assert (len(found.days), found.weekends) == (9, 1)
        assert (set(found.whole_years), len(found.rejects)) == ({2027}, 0)

    def test_rejects_lines_with_their_numbers(self) -> None:
        found = read_market_days(nse_csv((*HOLIDAYS, "31-Feb-2027 x", "26-Jan-2027 again")), "list")

        assert [(one.line, one.reason[:13]) for one in found.rejects] == [(12, "'31-Feb-2027'"), (13, "2027-01-26 is")]

    def test_that_is_a_part_is_refused(self) -> None:
        with pytest.raises(Invalid, match="names 2 holidays of 2027: it is a part"):
            read_market_days(nse_json(HOLIDAYS[:2]), "list")

    @pytest.mark.parametrize(
        "text", ["{}", "[]", '{"CM": 7}', '{"CM": [1]}', '{"CM": [{"tradingDate": "x"}]}', "{" * 9_000, "[" * 99_999]
    )
    def test_of_another_form_is_refused(self, text: str) -> None:
        with pytest.raises(Invalid, match="is not NSE's holiday list"):
            read_market_days(text, "list")


class TestOwnFile:
    def test_has_a_row_for_each_session(self) -> None:
        text = "day,opens,closes,note\n2027-03-06,11:30,12:30,\n2027-03-06,09:15,10:00,\n2027-03-08,,,Election\n"

        found = read_market_days(text, "own.csv")

        sessions = ((time(9, 15), time(10)), (time(11, 30), time(12, 30)))
        assert found.days == {
            date(2027, 3, 6): ListedDay(sessions, ""),
            date(2027, 3, 8): ListedDay((), "Election"),
        }
        assert found.whole_years == frozenset()

    @pytest.mark.parametrize(
        ("rows", "reason"),
        [
            ("2027-03-06,09:15,", "opens and closes must be HH:MM, or both empty"),
            ("2027-03-06,9.15,10:00", "opens and closes must be HH:MM, or both empty"),
            ("2027-03-06,10:00,10:00", "opens must be before closes"),
            ("06/03/2027,10:00,11:00", "'06/03/2027' is not a date such as 26-Jan-2027 or 2027-01-26"),
            ("9999-01-01,,", "'9999-01-01' is not a date such as 26-Jan-2027 or 2027-01-26"),
            ("2027-03-06,10:00,11:00\n2027-03-06,10:59,12:00", "2027-03-06 has two sessions that overlap"),
            ("2027-03-06,,\n2027-03-06,10:59,12:00", "2027-03-06 is in the file as a holiday and again"),
            ("2027-03-06,10:59,12:00\n2027-03-06,,", "2027-03-06 is in the file as a holiday and again"),
        ],
    )
    def test_rejects_a_row(self, rows: str, reason: str) -> None:
        found = read_market_days(f"day,opens,closes\n{rows}\n", "own.csv")

        assert [(one.line, one.reason) for one in found.rejects] == [(1 + len(rows.splitlines()), reason)]

    @pytest.mark.parametrize("text", ["", "SYMBOL,SERIES\nINFY,EQ\n", "DATE\n26-Jan-2027\n"])
    def test_of_another_form_is_refused(self, text: str) -> None:
        with pytest.raises(Invalid, match="has neither NSE's columns DATE and DESCRIPTION nor day"):
            read_market_days(text, "own.csv")
