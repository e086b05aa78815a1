"""Our own CSV, and NSE's bhavcopy in its three dialects."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from brokers.management.commands.load_instruments import SHIPPED
from brokers.market.instrument_files import Reject, load, read_instruments
from brokers.market.quotes import market_quote
from brokers.models import Instrument
from gateway.values.errors import Invalid

HEADER = "symbol,name,isin,kind,sector,reference_price,tick_size,tradable"
INFY = "INFY,Infosys Ltd.,INE009A01021,STOCK,IT,1180.00,0.10,"
TCS = "TCS,Tata Consultancy,INE467B01029,STOCK,IT,2473.70,,"
SHAPE = "is not an ISIN: shape or check digit is wrong"
PRICE = "reference_price and tick_size must be above zero, with two decimals at most"

pytestmark = pytest.mark.django_db


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "instruments.csv"


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def rows() -> list[dict[str, Any]]:
    return [dict(row) for row in Instrument.objects.order_by("pk").values()]


class TestReadInstruments:
    def test_reads_the_shipped_catalogue_without_a_reject(self) -> None:
        reading = read_instruments(SHIPPED)

        assert (len(reading.instruments), reading.rejects) == (219, [])

    def test_reads_every_column(self, path: Path) -> None:
        (read,) = read_instruments(write(path, HEADER, INFY)).instruments

        assert (read.symbol, read.name, read.isin, read.kind, read.sector, read.reference_price) == (
            "INFY",
            "Infosys Ltd.",
            "INE009A01021",
            "STOCK",
            "IT",
            Decimal("1180.00"),
        )

    @pytest.mark.parametrize(
        ("tail", "tick", "tradable"),
        [("0.05,", "0.05", True), (",false", "0.10", False), (",no", "0.10", False), (",0", "0.10", False)],
    )
    def test_fills_in_what_is_optional(self, path: Path, tail: str, tick: str, tradable: bool) -> None:
        line = f"INFY,Infosys Ltd.,INE009A01021,STOCK,IT,1180.00,{tail}"

        (read,) = read_instruments(write(path, HEADER, line)).instruments

        assert (read.tick_size, read.tradable) == (Decimal(tick), tradable)

    def test_reads_what_a_spreadsheet_saved_with_a_byte_order_mark(self, path: Path) -> None:
        path.write_text(f"{HEADER}\r\n{INFY}\r\n", encoding="utf-8-sig", newline="")

        assert [read.symbol for read in read_instruments(path).instruments] == ["INFY"]

    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            ("INFY,Infosys,INE009A01022,STOCK,IT,1180.00,,", f"'INE009A01022' {SHAPE}"),
            ("INFY,Infosys,INE009A0102,STOCK,IT,1180.00,,", f"'INE009A0102' {SHAPE}"),
            ("INFY,Infosys,INE009A01021,BOND,IT,1180.00,,", "kind must be one of STOCK, ETF, INVIT, REIT"),
            ("INFY,Infosys,INE009A01021,STOCK,IT,0,,", PRICE),
            ("INFY,Infosys,INE009A01021,STOCK,IT,-1,,", PRICE),
            ("INFY,Infosys,INE009A01021,STOCK,IT,NaN,,", PRICE),
            ("INFY,Infosys,INE009A01021,STOCK,IT,Infinity,,", PRICE),
            ("INFY,Infosys,INE009A01021,STOCK,IT,1e12,,", PRICE),
            ("INFY,Infosys,INE009A01021,STOCK,IT,1180.001,,", PRICE),
            ("INFY,Infosys,INE009A01021,STOCK,IT,much,,", PRICE),
            ("INFY,Infosys,INE009A01021,STOCK,IT,1180.00,0,", PRICE),
            (
                "INFY,Infosys,INE009A01021,STOCK,IT,1180.03,0.05,",
                "reference_price must be a multiple of the tick size, 0.05",
            ),
            ("  ,Infosys,INE009A01021,STOCK,IT,1180.00,,", "symbol and name must not be empty"),
            ("INFY,Infosys,INE009A01021,STOCK,IT", "the row has more or fewer cells than the header"),
            ("INFY,Infosys,INE009A01021,STOCK,IT,1180,,,x", "the row has more or fewer cells than the header"),
        ],
    )
    def test_rejects_a_row_and_says_why(self, path: Path, line: str, problem: str) -> None:
        reading = read_instruments(write(path, HEADER, TCS, line))

        assert reading.rejects == [Reject(3, problem)]
        assert [read.symbol for read in reading.instruments] == ["TCS"]

    @pytest.mark.parametrize(
        ("second", "key"),
        [
            ("INFY,Infosys again,INE467B01029,STOCK,IT,1180.00,,", "INFY"),
            ("INFOSYS,Infosys again,INE009A01021,STOCK,IT,1180.00,,", "INE009A01021"),
        ],
    )
    def test_rejects_what_stands_twice(self, path: Path, second: str, key: str) -> None:
        reading = read_instruments(write(path, HEADER, INFY, second))

        assert reading.rejects == [Reject(3, f"{key} is in the file twice")]

    def test_tells_every_problem_of_a_row(self, path: Path) -> None:
        reading = read_instruments(write(path, HEADER, ",,X,BOND,,0,,"))

        assert [reject.line for reject in reading.rejects] == [2, 2, 2, 2]

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"symbol,name\n\xff\xfe", "is not UTF-8: line 2 contains the byte 0xff"),
            ("symbol,näme".encode("utf-16"), "is not UTF-8: line 1 contains the byte 0xff"),
            (b"PK\x03\x04\x00", "cannot be unzipped"),
            (b"symbol,name\nINFY,\0\n", "contains NUL characters"),
            (b"symbol,name\n" + b"x" * 131_073, "field larger than field limit"),
            (b'symbol,name\n"INFY', "cannot be read"),
            (b"", "lacks the columns symbol, name, isin, kind, sector, reference_price"),
            (b"symbol,name\nINFY,Infosys\n", "lacks the columns isin, kind, sector, reference_price"),
        ],
    )
    def test_refuses_a_file_that_is_no_such_csv(self, path: Path, content: bytes, sentence: str) -> None:
        path.write_bytes(content)

        with pytest.raises(Invalid, match=sentence):
            read_instruments(path)

    @pytest.mark.parametrize("symbol", ["=cmd|' /C calc'!A0", "+1", "@SUM(A1)", "infy", "IN FY", "A" * 21, "ИНФИ", "-"])
    def test_refuses_a_symbol_that_no_order_could_name(self, path: Path, symbol: str) -> None:
        reading = read_instruments(write(path, HEADER, f'"{symbol}",Infosys,INE009A01021,STOCK,IT,1500,,'))

        assert reading.instruments == []
        assert f"{symbol!r} is not an NSE symbol such as INFY" in [reject.reason for reject in reading.rejects]

    def test_refuses_a_file_that_is_not_there(self, path: Path) -> None:
        with pytest.raises(Invalid, match=r"instruments.csv cannot be read"):
            read_instruments(path)

    def test_counts_its_progress_by_rows(self, path: Path) -> None:
        calls: list[None] = []

        read_instruments(write(path, HEADER, INFY, TCS), progress=lambda: calls.append(None))

        assert len(calls) == 2


class TestLoad:
    def test_twice_changes_nothing(self, db: None, path: Path) -> None:
        write(path, HEADER, INFY, TCS)
        load(read_instruments(path).instruments)
        before = rows()

        load(read_instruments(path).instruments)

        assert (len(before), rows()) == (2, before)

    def test_updates_by_symbol(self, db: None, path: Path) -> None:
        load(read_instruments(write(path, HEADER, INFY)).instruments)
        newer = "INFY,Infosys Limited,INE009A01021,STOCK,IT,1200.00,,false"

        load(read_instruments(write(path, HEADER, newer)).instruments)

        (row,) = Instrument.objects.all()
        assert (row.name, row.reference_price, row.tradable) == ("Infosys Limited", Decimal("1200.00"), False)


class TestABhavcopy:
    UDIFF = ("TradDt,TckrSymb,SctySrs,ClsPric", "2026-11-20,{},{},{}")
    OLD = ("SYMBOL,SERIES,OPEN,CLOSE,TIMESTAMP", "{},{},1.00,{},20-NOV-2026")
    FULL = ("SYMBOL, SERIES, DATE1, PREV_CLOSE, CLOSE_PRICE, DELIV_QTY", "{}, {}, 20-Nov-2026, 1175.80, {}, -")

    @pytest.fixture(autouse=True)
    def catalogue(self, instruments: None) -> None:
        """The shipped one."""

    def read(self, path: Path, dialect: tuple[str, str], *cells: Sequence[str]) -> Path:
        return write(path, dialect[0], *(dialect[1].format(*row) for row in cells))

    def test_as_sec_bhavdata_full_has_spaces_after_its_commas(self, path: Path) -> None:
        head = "SYMBOL, SERIES, DATE1, PREV_CLOSE, OPEN_PRICE, CLOSE_PRICE, DELIV_QTY, DELIV_PER"
        rest = "INFY, EQ, 27-Nov-2026, 1175.80, 1176.00, 1180.20, 100, -"

        load(read_instruments(write(path, head, rest)).instruments)

        infy = Instrument.objects.get(symbol="INFY")
        assert (infy.reference_price, infy.priced_on) == (Decimal("1180.20"), date(2026, 11, 27))
        assert market_quote(infy).at(datetime(2026, 11, 27, 10, tzinfo=UTC)) == Decimal("1180.20")

    def test_is_read_from_a_zip_as_nse_serves_it(self, path: Path) -> None:
        text = "TradDt,TckrSymb,SctySrs,ClsPric\n2026-11-27,INFY,EQ,1180.20\n"
        with ZipFile(path, "w") as archive:
            archive.writestr("BhavCopy_NSE_CM_0_0_0_20261127_F_0000.csv", text)

        (infy,) = read_instruments(path).instruments

        assert infy.reference_price == Decimal("1180.20")

    @pytest.mark.parametrize("dialect", [UDIFF, OLD, FULL], ids=["UDiFF", "old", "full"])
    def test_brings_prices_up_to_date_and_leaves_ticks_alone(self, path: Path, dialect: tuple[str, str]) -> None:
        cells = [("INFY", "EQ", "999.95"), ("TCS", " BE ", " 5000.50 "), ("NIFTYBEES", "EQ", "281.37")]

        load(read_instruments(self.read(path, dialect, *cells)).instruments)

        found = Instrument.objects.filter(symbol__in=["INFY", "TCS", "NIFTYBEES"]).order_by("symbol")
        assert list(found.values_list("symbol", "reference_price", "tick_size")) == [
            ("INFY", Decimal("999.95"), Decimal("0.10")),
            ("NIFTYBEES", Decimal("281.37"), Decimal("0.01")),
            ("TCS", Decimal("5000.50"), Decimal("0.10")),
        ]

    @pytest.mark.parametrize("dialect", [UDIFF, OLD], ids=["UDiFF", "old"])
    def test_of_a_months_last_trading_day_reviews_the_ticks(self, path: Path, dialect: tuple[str, str]) -> None:
        header, row = (text.replace("11-20", "11-30").replace("20-NOV", "30-NOV") for text in dialect)
        cells = [("INFY", "EQ", "1000.00"), ("TCS", "EQ", "5000.50"), ("NIFTYBEES", "EQ", "281.37")]

        load(read_instruments(self.read(path, (header, row), *cells)).instruments)

        found = Instrument.objects.filter(symbol__in=["INFY", "TCS", "NIFTYBEES"]).order_by("symbol")
        assert list(found.values_list("symbol", "tick_size")) == [
            ("INFY", Decimal("0.05")),
            ("NIFTYBEES", Decimal("0.01")),
            ("TCS", Decimal("0.50")),
        ]

    def test_touches_nothing_else(self, path: Path) -> None:
        before = Instrument.objects.values().get(symbol="INFY")

        load(read_instruments(self.read(path, self.UDIFF, ("INFY", "EQ", "1200.00"))).instruments)

        assert Instrument.objects.values().get(symbol="INFY") == before | {
            "reference_price": Decimal("1200.00"),
            "priced_on": date(2026, 11, 20),
        }
        assert Instrument.objects.count() == 219

    def test_passes_over_other_series_and_counts_the_unknown(self, path: Path) -> None:
        cells = [("INFY", "GS", "1.00"), ("NEWCO", "EQ", "10.00"), ("INFY", "", "2.00")]

        reading = read_instruments(self.read(path, self.UDIFF, *cells))

        assert (reading.instruments, reading.rejects, reading.unknown) == ([], [], 1)

    @pytest.mark.parametrize("price", ["", "-", "0", "1.001"])
    def test_rejects_a_price_that_is_none(self, path: Path, price: str) -> None:
        reading = read_instruments(self.read(path, self.OLD, ("TCS", "EQ", "1.00"), ("INFY", "EQ", price)))

        assert reading.rejects == [Reject(3, "CLOSE is not a price")]

    def test_brings_series_up_to_date(self, path: Path) -> None:
        cells = [("INFY", "EQ", "1200.00"), ("TCS", "BZ", "5000.50")]

        load(read_instruments(self.read(path, self.UDIFF, *cells)).instruments)

        found = Instrument.objects.filter(symbol__in=["INFY", "TCS"]).order_by("symbol")
        assert list(found.values_list("series", flat=True)) == ["EQ", "BZ"]

    def test_with_a_symbol_in_two_series_takes_the_last(self, path: Path) -> None:
        cells = [("INFY", "EQ", "1200.00"), ("INFY", "BE", "1201.00")]

        load(read_instruments(self.read(path, self.UDIFF, *cells)).instruments)

        assert Instrument.objects.get(symbol="INFY").reference_price == Decimal("1201.00")


class TestSeriesAndPriceBand:
    HEADER = "symbol,name,isin,kind,sector,reference_price,series,price_band"

    def row(self, *, kind: str = "STOCK", series: str = "", band: str = "") -> str:
        return f"INFY,Infosys Ltd.,INE009A01021,{kind},IT,1180.00,{series},{band}"

    def test_are_read(self, db: None, path: Path) -> None:
        load(read_instruments(write(path, self.HEADER, self.row(series="BE", band="5"))).instruments)

        assert Instrument.objects.values_list("series", "price_band").get() == ("BE", 5)

    @pytest.mark.parametrize(("kind", "series"), [("STOCK", "EQ"), ("ETF", "EQ"), ("REIT", "RR"), ("INVIT", "IV")])
    def test_follow_from_the_kind_if_the_file_has_none(self, db: None, path: Path, kind: str, series: str) -> None:
        load(read_instruments(write(path, self.HEADER, self.row(kind=kind))).instruments)

        assert Instrument.objects.values_list("series", "price_band").get() == (series, None)

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            ({"series": "XX"}, "series must be one of EQ, BE, BZ, SM, ST, SZ, RR, IV"),
            ({"band": "7"}, "price_band must be empty or one of 2, 5, 10, 20"),
            ({"band": "5.0"}, "price_band must be empty or one of 2, 5, 10, 20"),
        ],
    )
    def test_that_nse_does_not_have_are_refused(self, db: None, path: Path, row: dict[str, str], reason: str) -> None:
        assert [one.reason for one in read_instruments(write(path, self.HEADER, self.row(**row))).rejects] == [reason]


class TestARow:
    def test_is_refused_with_its_own_line_after_a_blank_one(self, tmp_path: Path) -> None:
        file = tmp_path / "list.csv"
        file.write_text(
            "symbol,name,isin,kind,sector,reference_price\n\nINFY,Infosys Ltd.,INE009A01020,STOCK,IT,1180.00\n"
        )

        (reject,) = read_instruments(file).rejects

        assert reject.line == 3

    def test_whose_isin_has_another_symbol_is_refused(self, instruments: None, tmp_path: Path) -> None:
        file = tmp_path / "list.csv"
        file.write_text(
            "symbol,name,isin,kind,sector,reference_price\nINFOSYS,Infosys Ltd.,INE009A01021,STOCK,IT,1180.00\n"
        )

        (reject,) = read_instruments(file).rejects

        assert reject.reason == "INE009A01021 is in the catalogue as INFY; rename it there first"

    def test_longer_than_its_column_is_refused(self, tmp_path: Path) -> None:
        file = tmp_path / "list.csv"
        file.write_text(
            f"symbol,name,isin,kind,sector,reference_price\nINFY,{'A' * 121},INE009A01021,STOCK,IT,1180.00\n"
        )

        (reject,) = read_instruments(file).rejects

        assert reject.reason == "name must not exceed 120 characters"
