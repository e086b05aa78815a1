"""Examples of charges that brokers publish, and others that follow from published rates.

Brokers publish examples of single charges; no page with a whole contract note at the rates of 2026 was found. So
PUBLISHED names the charges that the source has in figures, and DERIVED whole notes, computed by hand from the published
rates: turnover × rate, to the paisa.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from brokers.market.charges import ChargeClass, ChargedOrder
from brokers.ports.broker import Side

BEFORE, AFTER = date(2026, 2, 27), date(2026, 3, 2)
SHARE, EQUITY_ETF, OTHER_ETF = ChargeClass.SHARE, ChargeClass.EQUITY_ETF, ChargeClass.OTHER_ETF
BUY, SELL = Side.BUY, Side.SELL


@dataclass(frozen=True)
class Example:
    """`expected`: rupees by charge, for all orders together."""

    source: str
    broker: str
    orders: Sequence[ChargedOrder]
    expected: Mapping[str, str]


def order(
    turnover: int | str, side: Side = BUY, *, of: ChargeClass = SHARE, on: date, ticker: str = "X"
) -> ChargedOrder:
    return ChargedOrder(ticker, of, side, Decimal(turnover), on)


_STT: Final = "support.zerodha.com, how is STT calculated"
_ETF: Final = "support.zerodha.com, STT on ETFs"
_DP: Final = "support.zerodha.com, DP charges: ₹13 + 18 % GST per stock and day, regardless of quantity"
_ICICI_DP: Final = "icicidirect.com, Prime plan: ₹20 + GST once for several sales of a stock, twice for two stocks"
_UPSTOX: Final = "help.upstox.com, charges applied while exiting a position"
_GROWW: Final = "groww.in/help, what is the charge for buy order (delivery)"
_IPFT: Final = "support.zerodha.com, IPFT charges: ₹10 per crore, within the exchange's charges; 0.00297 % beside it"
_ADVISOR: Final = "labourlawadvisor.in, trading charges: 200 shares bought at 1,000, sold later at 1,100 (Zerodha)"
_ANGEL: Final = "angelone.in/exchange-transaction-charges: DP ₹20 + GST per company sold"
_CRORE: Final = "zerodha.com/charges: per crore SEBI ₹10, stamp ₹1,500, NSE from 1 March 2026 ₹307 (NSE/FA/73061)"

PUBLISHED: Final = (
    Example(_STT + ": 500 shares bought at 100", "kite", [order(50_000, on=BEFORE)], {"stt": "50"}),
    Example(_STT + ": 500 shares sold at 105, 52.50", "kite", [order(52_500, SELL, on=BEFORE)], {"stt": "53"}),
    Example(_STT + ": 100.60 becomes 101", "kite", [order(100_600, on=AFTER)], {"stt": "101"}),
    Example(_STT + ": 100.40 becomes 100", "kite", [order(100_400, on=AFTER)], {"stt": "100"}),
    Example(_STT + ": 20.75 becomes 21", "kite", [order(20_750, on=BEFORE)], {"stt": "21"}),
    Example(_ETF + ": ₹1 per lakh sold", "kite", [order(100_000, SELL, of=EQUITY_ETF, on=AFTER)], {"stt": "1"}),
    Example(_ETF + ": nothing on a buy", "kite", [order(100_000, of=EQUITY_ETF, on=AFTER)], {"stt": "0"}),
    Example(_ETF + ": none on gold", "kite", [order(100_000, SELL, of=OTHER_ETF, on=BEFORE)], {"stt": "0"}),
    Example(_DP, "kite", [order(100, SELL, on=AFTER)], {"dp": "15.34"}),
    Example(_DP, "kite", [order(100, SELL, on=AFTER), order(900_000, SELL, on=AFTER)], {"dp": "15.34"}),
    Example(_ICICI_DP, "icici", [order(9_000, SELL, on=BEFORE), order(500, SELL, on=BEFORE)], {"dp": "23.60"}),
    Example(
        _ICICI_DP,
        "icici",
        [order(9_000, SELL, on=BEFORE), order(500, SELL, on=BEFORE, ticker="Y")],
        {"dp": "47.20"},
    ),
    Example(_ANGEL, "angelbroking", [order(9_000, SELL, on=AFTER)], {"dp": "23.60"}),
    Example(_UPSTOX + ": STT of ₹100 on a lakh", "upstox", [order(100_000, SELL, on=BEFORE)], {"stt": "100"}),
    Example(_UPSTOX + ": brokerage ₹20", "upstox", [order(100_000, on=BEFORE)], {"brokerage": "20"}),
    Example(_GROWW + ": at most ₹20", "groww", [order(100_000, on=BEFORE)], {"brokerage": "20"}),
    Example(_GROWW + ": at least ₹5", "groww", [order(1_000, on=BEFORE)], {"brokerage": "5"}),
    Example(_GROWW + ": never above 2.5 %", "groww", [order(100, on=BEFORE)], {"brokerage": "2.50"}),
    Example(_GROWW + ": DP ₹20 + GST", "groww", [order(1_000, SELL, on=BEFORE)], {"dp": "23.60"}),
    Example(_IPFT, "kite", [order(10_000_000, on=BEFORE)], {"exchange": "307"}),
    Example(_CRORE, "kite", [order(10_000_000, on=AFTER)], {"exchange": "307", "sebi": "10", "stamp": "1500"}),
    Example(
        _ADVISOR,
        "kite",
        [order(200_000, on=BEFORE), order(220_000, SELL, on=BEFORE)],
        {"brokerage": "0", "stt": "420", "stamp": "30"},  # at the exchange charges and the DP charge of 2022
    ),
)
_RATES: Final = "from the published rates"
DERIVED: Final = (
    Example(
        _RATES,
        "kite",
        [order(100_000, on=AFTER)],
        {"stt": "100", "exchange": "3.07", "sebi": "0.10", "stamp": "15", "gst": "0.57", "total": "118.74"},
    ),
    Example(_RATES, "kite", [order(100_000, SELL, on=AFTER)], {"stt": "100", "dp": "15.34", "total": "119.08"}),
    Example(_RATES, "kite", [order(100_000, on=BEFORE)], {"exchange": "3.07", "gst": "0.57", "total": "118.74"}),
    Example(_RATES, "kite", [order(100_000, of=EQUITY_ETF, on=AFTER)], {"stamp": "15", "total": "18.74"}),
    Example(_RATES, "kite", [order(100_000, SELL, of=EQUITY_ETF, on=AFTER)], {"stt": "1", "total": "20.08"}),
    Example(_RATES, "kite", [order(100_000, of=OTHER_ETF, on=AFTER)], {"stt": "0", "total": "18.74"}),
    Example(_RATES, "kite", [order(100_000, SELL, of=OTHER_ETF, on=AFTER)], {"stt": "0", "total": "19.08"}),
    Example(
        _RATES,
        "groww",
        [order(100_000, on=AFTER)],
        {"brokerage": "20", "gst": "4.17", "total": "142.34"},  # 18 % of 20 + 3.07 + 0.10
    ),
    Example(
        _RATES,
        "upstox",
        [order(10_000, on=AFTER)],
        {"stt": "10", "exchange": "0.31", "sebi": "0.01", "stamp": "1.50", "gst": "3.66", "total": "35.48"},
    ),
)
