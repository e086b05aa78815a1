"""NSE's list for 2027: Eid al-Fitr on 11 March, where the library estimates 10 March."""

from datetime import date, time
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from brokers.market.calendar import exceptional_days, nse_market
from brokers.market.hours import CLOSES, OPENS
from brokers.models import MarketDay
from gateway.models import AuditEntry
from tests.brokers.market.market_days.test_market_day_files import HOLIDAYS, nse_json

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    file = tmp_path / "holidays.json"
    file.write_text(nse_json())
    return file


def rows() -> set[tuple[date, time | None, str]]:
    return set(MarketDay.objects.values_list("day", "opens", "note"))


class TestImportMarketDays:
    def test_makes_the_listed_days_holidays_and_the_others_trading_days(self, listed: Path) -> None:
        call_command("import_market_days", str(listed))

        market = nse_market([2027])
        assert market.sessions_on(date(2027, 3, 11)) == ()
        assert len(market.sessions_on(date(2027, 3, 10))) == 1
        assert (date(2027, 3, 10), OPENS, "Not in NSE's list: Eid al-Fitr") in rows()
        assert all(one.is_confirmed for one in exceptional_days([2027]).values())

    def test_twice_changes_nothing(self, listed: Path, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("import_market_days", str(listed))
        before = set(MarketDay.objects.values_list())

        call_command("import_market_days", str(listed))

        assert set(MarketDay.objects.values_list()) == before
        assert "9 days read (1 more on weekends), 0 changed." in capsys.readouterr().out
        assert AuditEntry.objects.filter(act__startswith="import market days").count() == 1

    def test_dry_saves_nothing(self, listed: Path, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("import_market_days", str(listed), "--dry-run")

        assert rows() == set()
        assert "2027-03-11 Thu holiday Id-Ul-Fitr" in capsys.readouterr().out

    def test_with_a_rejected_line_saves_nothing(self, listed: Path, capsys: pytest.CaptureFixture[str]) -> None:
        listed.write_text(nse_json((*HOLIDAYS, "soon")))

        with pytest.raises(CommandError, match="1 problems; nothing was imported"):
            call_command("import_market_days", str(listed))

        assert rows() == set()
        assert "line 11: 'soon' is not a date" in capsys.readouterr().err

    def test_keeps_a_special_session_and_says_so(self, listed: Path, capsys: pytest.CaptureFixture[str]) -> None:
        MarketDay.objects.create(day=date(2027, 10, 29), opens=time(18), closes=time(19), note="Muhurat")

        call_command("import_market_days", str(listed))

        assert (date(2027, 10, 29), time(18), "Muhurat") in rows()
        assert "2027-10-29 keeps its special session: Muhurat." in capsys.readouterr().out

    def test_tells_of_a_holiday_that_the_list_has_not(self, listed: Path, capsys: pytest.CaptureFixture[str]) -> None:
        MarketDay.objects.create(day=date(2027, 2, 3), note="Election")

        call_command("import_market_days", str(listed))

        assert (date(2027, 2, 3), None, "Election") in rows()
        assert "2027-02-03 is a holiday in the calendar and not in the list: Election." in capsys.readouterr().out

    def test_of_a_later_list_moves_a_day_back(self, listed: Path) -> None:
        call_command("import_market_days", str(listed))
        listed.write_text(nse_json(("10-Mar-2027 Id-Ul-Fitr", *HOLIDAYS)))

        call_command("import_market_days", str(listed))

        assert nse_market([2027]).sessions_on(date(2027, 3, 10)) == ()

    def test_of_sessions_replaces_the_rows_of_their_days(self, tmp_path: Path) -> None:
        MarketDay.objects.create(day=date(2027, 3, 6), opens=OPENS, closes=CLOSES)
        file = tmp_path / "own.csv"
        file.write_text("day,opens,closes,note\n2027-03-06,09:15,10:00,\n2027-03-06,11:30,12:30,Second\n")

        call_command("import_market_days", str(file))

        assert rows() == {(date(2027, 3, 6), time(9, 15), ""), (date(2027, 3, 6), time(11, 30), "")}


class TestTheImportPage:
    @staticmethod
    def send(client: Client, text: str, button: str) -> str:
        data = {"file": SimpleUploadedFile("list.json", text.encode()), button: "1"}
        return client.post("/admin/brokers/marketday/import/", data, follow=True).content.decode()

    def test_shows_what_would_change_and_then_changes_it(self, admin_client: Client) -> None:
        page = self.send(admin_client, nse_json(), "preview")
        assert "2027-03-11 Thu holiday Id-Ul-Fitr" in page
        assert rows() == set()

        assert "days changed, of 9 in the file" in self.send(admin_client, nse_json(), "apply")
        assert (date(2027, 3, 11), None, "Id-Ul-Fitr") in rows()

    @pytest.mark.parametrize("text", ["", "{}", "day,opens,closes\n2027-03-06,10:00,09:00\n"])
    def test_says_what_is_wrong_with_a_file(self, admin_client: Client, text: str) -> None:
        assert 'class="errornote"' in self.send(admin_client, text, "apply")
        assert rows() == set()
