"""Files as brokers, spreadsheets and attackers make them."""

import gzip
import io
import tracemalloc
import zipfile
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from brokers.ports.broker import Side
from transactions.reconciliation.tradebook import cells
from transactions.reconciliation.tradebook.cells import UnreadableCell
from transactions.reconciliation.tradebook.columns import Dialect
from transactions.reconciliation.tradebook.file_reader import (
    LARGEST,
    LONGEST_LINE,
    Book,
    Trade,
    UnreadableTradebook,
    examine,
    open_book,
    trades,
)

ZERODHA = (
    "symbol,isin,trade_date,exchange,segment,series,trade_type,auction,quantity,price,trade_id,order_id,"
    "order_execution_time\n"
)
LINE = (
    "INFY,INE009A01021,2026-11-20,NSE,EQ,EQ,buy,false,10.000000,1500.250000,77001,1100000000000001,"
    "2026-11-20T11:00:05\n"
)
GENERIC = "Client Code;Trade Date;Time;Scrip Name;Buy/Sell;Traded Qty;Trade Price;Order No\n"
PLAIN = "AB1234;20-Nov-2026;11:00:05 AM;INFY-EQ;B;1,000;₹ 1,23,456.50;1100000000000001\n"


def read(text: str | bytes, dialect: Dialect | None = None) -> tuple[Book, list[Trade]]:
    file = io.BytesIO(text if isinstance(text, bytes) else text.encode())
    book, count = examine(file, dialect=dialect)
    found = list(trades(file, book))
    assert len(found) == count
    return book, found


def refusal(text: str | bytes, dialect: Dialect | None = None) -> str:
    with pytest.raises(UnreadableTradebook) as refused:
        read(text, dialect)
    return str(refused.value)


class TestABook:
    def test_of_zerodhas_console_is_read(self) -> None:
        book, (trade,) = read(ZERODHA + LINE)

        assert (book.layout.dialect, book.encoding, book.separator) == (Dialect.ZERODHA, "utf-8", ",")
        assert trade == Trade(
            line=2,
            symbol="INFY",
            side=Side.BUY,
            quantity=10,
            price=Decimal("1500.25"),
            order_no="1100000000000001",
            trade_no="77001",
            at=datetime(2026, 11, 20, 5, 30, 5, tzinfo=UTC),
        )

    def test_of_another_broker_is_read_and_its_columns_are_shown(self) -> None:
        book, (trade,) = read(GENERIC + PLAIN)

        assert (book.layout.dialect, book.separator) == (Dialect.GENERIC, ";")
        assert book.layout.shown() == {
            "symbol": "Scrip Name",
            "side": "Buy/Sell",
            "quantity": "Traded Qty",
            "price": "Trade Price",
            "order number": "Order No",
            "date": "Trade Date",
            "time": "Time",
            "client": "Client Code",
        }
        assert (trade.symbol, trade.quantity, trade.client) == ("INFY", 1000, "AB1234")
        assert trade.price == Decimal("123456.50")
        assert trade.at == datetime(2026, 11, 20, 5, 30, 5, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("encoding", "recognised"),
        [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("cp1252", "cp1252")],
    )
    def test_is_read_in_every_encoding(self, encoding: str, recognised: str) -> None:
        text = GENERIC.replace("Client Code", "Broker café;Client Code") + "Société;" + PLAIN.replace("₹ ", "")

        book, (trade,) = read(text.encode(encoding))

        assert (book.encoding, trade.price) == (recognised, Decimal("123456.50"))

    @pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
    def test_is_read_with_every_separator(self, separator: str) -> None:
        book, (trade,) = read((ZERODHA + LINE).replace(",", separator))

        assert (book.separator, trade.quantity) == (separator, 10)

    def test_may_begin_with_titles_and_have_blank_lines(self) -> None:
        _, (trade,) = read("Tradebook for Equity\r\n\r\n" + ZERODHA.replace("\n", "\r\n") + "\r\n" + LINE)

        assert trade.line == 5

    def test_of_many_trades_is_read_in_constant_memory(self) -> None:
        file = io.BytesIO((ZERODHA + LINE * 30_000).encode())
        tracemalloc.start()

        _, count = examine(file)

        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert (count, peak < 2_000_000) == (30_000, True)


class TestAHostileFile:
    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("", "it is empty"),
            (ZERODHA, "line 1: there is no trade after the header"),
            ("name,age\nAsha,30\n", "missing: symbol, side, quantity, price, order number"),
            (ZERODHA.replace("price", "prize") + LINE, "missing: price"),
            (ZERODHA + LINE + LINE[:60], "line 3: the line has no end: the file is truncated"),
            (ZERODHA + LINE + LINE[:60] + "\n", "line 3: 10 columns instead of 13: is the file truncated?"),
            (ZERODHA + LINE.replace("\n", ",more\n"), "line 2: 14 columns instead of 13."),
            (ZERODHA + LINE + '"' + LINE, "line 3: "),
            (ZERODHA + LINE + LINE.replace("INFY", "=HYPERLINK('http://x')"), "line 3: symbol: “=HYPER"),
            (ZERODHA + LINE.replace("INE009A01021", "@SUM(A1)"), "line 2: isin: “@SUM(A1)” is a formula"),
            (ZERODHA + LINE.replace("INE009A01021", "+cmd|' /C calc'!A0"), "line 2: isin: “+cmd"),
            (ZERODHA + LINE.replace("INFY", "-2+3"), "line 2: symbol: “-2+3” is a formula"),
            (ZERODHA + LINE.replace("INFY", "IN\0FY"), "line 2: a NUL byte"),
            (ZERODHA + LINE.replace("INFY", "I" * LONGEST_LINE), f"line 2: longer than {LONGEST_LINE:,}"),
            (ZERODHA + LINE.replace("10.000000", "10.5"), "line 2: “10.5” is not a number of shares"),
            (ZERODHA + LINE.replace("10.000000", "-10"), "line 2: “-10” is not a number"),
            (ZERODHA + LINE.replace("1500.250000", "1e3"), "line 2: “1e3” is not a number"),
            (ZERODHA + LINE.replace("1500.250000", "0"), "line 2: “0” is not a price"),
            (ZERODHA + LINE.replace("1500.250000", "NaN"), "line 2: “NaN” is not a number"),
            (ZERODHA + LINE.replace("1500.250000", "Infinity"), "line 2: “Infinity” is not a number"),
            (ZERODHA + LINE.replace("1500.250000", "0.00009"), "line 2: “0.00009” is not a price"),
            (ZERODHA + LINE.replace("buy", "hold"), "line 2: “hold” is neither buy nor sell"),
            (ZERODHA + LINE.replace("1100000000000001", "1.1E+15"), "line 2: “1.1E+15” was shortened by a spreadsheet"),
            (ZERODHA + LINE.replace("1100000000000001", ""), "line 2: no order id"),
            (ZERODHA + LINE.replace("2026-11-20T", "2026-13-45T"), "line 2: “2026-13-45” is not a date"),
        ],
        ids=[f"no. {n}" for n in range(25)],
    )
    def test_is_refused_with_its_line(self, text: str, sentence: str) -> None:
        assert sentence in refusal(text)

    def test_that_is_compressed_is_refused_before_it_is_opened(self) -> None:
        bomb = io.BytesIO()
        with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("tradebook.csv", b"0" * 10_000_000)

        assert "a zip file" in refusal(bomb.getvalue())
        assert "compressed (gzip)" in refusal(gzip.compress(ZERODHA.encode()))

    def test_that_is_too_large_is_refused_without_being_read_to_its_end(self) -> None:
        class Endless(io.RawIOBase):
            served = 0

            def readable(self) -> bool:
                return True

            def seek(self, *_: int) -> int:
                return 0

            def read(self, size: int = -1) -> bytes:
                self.served += size
                return b"a" * size

        endless = Endless()
        with pytest.raises(UnreadableTradebook, match="larger than 64 MiB"):
            examine(endless)  # type: ignore[arg-type]

        assert endless.served <= LARGEST + 128 * 1024

    def test_cut_in_the_middle_of_a_character_is_refused(self) -> None:
        assert "utf-16" in refusal((ZERODHA + LINE).encode("utf-16")[:-1])

    def test_is_not_taken_for_the_dialect_it_is_not(self) -> None:
        assert "of the zerodha dialect" in refusal(GENERIC + PLAIN, Dialect.ZERODHA)

    def test_is_left_open(self) -> None:
        file = io.BytesIO((ZERODHA + LINE).encode())

        open_book(file)

        assert not file.closed


class TestNumbers:
    @pytest.mark.parametrize(
        ("cell", "read"),
        [
            ("1,23,456.00", "123456.00"),
            ("12,34,567", "1234567"),
            ("123,456.75", "123456.75"),
            ("1,234", "1234"),
            ("Rs. 99.95", "99.95"),
            ("₹1\u00a0234.5", "1234.5"),
        ],
    )
    def test_are_read_with_their_thousands(self, cell: str, read: str) -> None:
        assert cells.number(cell) == Decimal(read)

    @pytest.mark.parametrize("cell", ["1,2,3", "1.575,05", "12,34", "1,,000", "١٢", "", "0x10", "1_000", "inf"])
    def test_that_are_none_are_refused(self, cell: str) -> None:
        with pytest.raises(UnreadableCell):
            cells.number(cell)


class TestMoments:
    @pytest.mark.parametrize(
        ("day", "time"),
        [
            ("2026-11-20", "11:00:05"),
            ("20-11-2026", "11:00:05 am"),
            ("20/11/2026", "11:00:05"),
            ("20-Nov-26", "11:00:05"),
            ("20 November 2026", "11:00:05"),
            ("2026-11-20T11:00:05", ""),
            ("2026-11-20 11:00:05.123", ""),
            ("2026-11-20T05:30:05Z", ""),
            ("20.11.2026", "05:30:05+00:00"),
        ],
    )
    def test_are_read_in_all_their_forms_as_indian_time(self, day: str, time: str) -> None:
        assert cells.moment(day, time) == datetime(2026, 11, 20, 5, 30, 5, tzinfo=UTC)

    def test_of_october_are_read_in_capitals(self) -> None:
        assert cells.moment("05-OCT-2026").date().isoformat() == "2026-10-05"

    @pytest.mark.parametrize(
        "cell", ["20-11", "yesterday", "2026-02-30", "20-Foo-2026", "2026-11-20 25:00", "0001-01-01", "9999-12-31"]
    )
    def test_that_are_none_are_refused(self, cell: str) -> None:
        with pytest.raises(UnreadableCell):
            cells.moment(cell)
