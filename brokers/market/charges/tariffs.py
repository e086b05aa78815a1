"""The brokers' own charges of a delivery order: brokerage, and the depository participant's charge of a sale. Pure.

Public tariffs as found in November 2026. Where no page was found the source says so, and the tariff is an assumption;
so is the DP charge where the source is a comparison. One tariff for a broker: earlier ones are not kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

NOT_FOUND: Final = "no page found: an assumption"
COMPARISON: Final = "thebeststockbroker.com, a comparison of brokers"


@dataclass(frozen=True, slots=True)
class Tariff:
    """Brokerage of an order: `rate` of its turnover, at least `minimum` and at most `cap` rupees.

    `dp`: rupees for each scrip and day of selling, GST in it.
    """

    rate: Decimal
    cap: Decimal
    minimum: Decimal = Decimal(0)
    dp: Decimal = Decimal(0)
    source: str = ""


def _tariff(rate: str, cap: str, dp: str, source: str = NOT_FOUND, *, least: str = "0") -> Tariff:
    return Tariff(Decimal(rate), Decimal(cap), Decimal(least), Decimal(dp), source)


# A flat fee is a minimum that equals the cap. ₹20 with GST is 23.60, ₹13 with GST 15.34.
TARIFFS: Final[Mapping[str, Tariff]] = {
    "aliceblue": _tariff("0.001", "20", "23.60"),
    "angelbroking": _tariff(
        "0.001", "20", "23.60", "angelone.in/exchange-transaction-charges; paisowala.com", least="2"
    ),
    "axis": _tariff("0.005", "500", "23.60"),
    "dhan": _tariff("0", "0", "14.75", COMPARISON),
    "edelweiss": _tariff("0.003", "300", "23.60"),
    "fisdom": _tariff("0.001", "20", "23.60"),
    "fivepaisa": _tariff("0", "20", "14.75", COMPARISON, least="20"),
    "fundzbazar": _tariff("0.001", "20", "23.60"),
    "groww": _tariff("0.001", "20", "23.60", "groww.in/help, charges of a buy order", least="5"),
    "hdfc": _tariff("0.005", "500", "23.60"),
    "icici": _tariff("0.0029", "300", "23.60", "icicidirect.com, Prime plan, for the DP charge; brokerage assumed"),
    "iifl": _tariff("0.001", "20", "23.60"),
    "kite": _tariff("0", "0", "15.34", "zerodha.com/charges; support.zerodha.com, article dp-charges-for-btst-trades"),
    "kotak": _tariff("0.002", "20", "23.60"),
    "motilal": _tariff("0.002", "300", "23.60", COMPARISON),
    "trustline": _tariff("0.002", "200", "23.60"),
    "upstox": _tariff(
        "0", "20", "21.83", "upstox.com/pricing; upstox.com/help-center, DP transaction charges", least="20"
    ),
}
