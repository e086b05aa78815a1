"""The charge class of an instrument whose list does not name it: shares by their kind, ETFs by their name. Pure.

STT is charged on units of equity-oriented funds alone, which hold Indian shares; not on funds of gold, silver, debt
or foreign shares (support.zerodha.com, article stt-etfs). Zerodha's report of instruments without STT lists names
too: a new kind of fund may need the column `charge_class`.
"""

import re
from typing import Final

from brokers.market.charges.rates import ChargeClass

ETF: Final = "ETF"
_METALS = r"gold|silver"
_DEBT = r"liquid|gilt|g-?sec|sdl|bonds?|overnight|money market|1d rate|t-?bill"
_FOREIGN = r"nasdaq|s&p 500|nyse|fang\+?|hang seng|hangseng|msci|us|world|global|china|japan|taiwan"
WITHOUT_STT: Final = re.compile(rf"\b(?:{_METALS}|{_DEBT}|{_FOREIGN})\b", re.IGNORECASE)


def charge_class_of(kind: str, name: str) -> ChargeClass:
    if kind != ETF:
        return ChargeClass.SHARE
    return ChargeClass.OTHER_ETF if WITHOUT_STT.search(name) else ChargeClass.EQUITY_ETF
