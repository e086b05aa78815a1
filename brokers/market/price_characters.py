"""How the simulated price of an instrument moves: its share in a common factor, its own swing, and its trend. Pure.

The numbers are ours: rounded so that a broad index moves by about 14 % a year, a single share by 25 to 40 %, gold by
14 %, bonds by 2 to 6 % and a liquid fund hardly at all, as Indian markets did in the last ten years. They depend on
kind, sector and symbol alone, so that web and worker processes agree.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Final

MARKET: Final = "market"
GOLD: Final = "gold"
ABROAD: Final = "abroad"


@dataclass(frozen=True, slots=True)
class Character:
    """`share` in the moves of `factor`, per mille (a beta of 1.2 is 1200).

    `own`: the largest move of its own in a day, and `trend`: the growth a year; both in millionths.
    """

    factor: str
    share: int
    own: int
    trend: int


# Beta of a sector's shares, per mille.
SECTORS: Final[Mapping[str, int]] = {
    "Automobile and Auto Components": 1_050,
    "Capital Goods": 1_250,
    "Chemicals": 950,
    "Construction": 1_100,
    "Construction Materials": 950,
    "Consumer Durables": 900,
    "Consumer Services": 1_150,
    "Fast Moving Consumer Goods": 600,
    "Financial Services": 1_100,
    "Healthcare": 700,
    "Information Technology": 900,
    "Media Entertainment & Publication": 1_150,
    "Metals & Mining": 1_350,
    "Oil Gas & Consumable Fuels": 950,
    "Power": 1_100,
    "Realty": 1_450,
    "Telecommunication": 800,
}
# Funds that do not simply follow the market; a symbol that begins with LIQUID, GOLD, SILVER or GILT is like these.
FUNDS: Final[Mapping[str, Character]] = {
    "LIQUIDBEES": Character(MARKET, 0, 10, 0),  # pays its income as units: the price stays
    "LIQUID": Character(MARKET, 0, 10, 60_000),
    "GILT": Character(MARKET, 0, 2_500, 68_000),
    "LTGILTBEES": Character(MARKET, 0, 6_000, 70_000),
    "GOLD": Character(GOLD, 1_000, 400, 90_000),
    "SILVER": Character(GOLD, 1_400, 12_000, 90_000),
    "MON100": Character(ABROAD, 1_250, 2_000, 120_000),
    "BANKBEES": Character(MARKET, 1_100, 6_000, 100_000),
    "PSUBNKBEES": Character(MARKET, 1_300, 13_000, 90_000),
    "ITBEES": Character(MARKET, 900, 11_000, 90_000),
    "PHARMABEES": Character(MARKET, 700, 10_000, 90_000),
    "AUTOBEES": Character(MARKET, 1_050, 9_000, 100_000),
    "MID150BEES": Character(MARKET, 1_100, 5_000, 120_000),
    "JUNIORBEES": Character(MARKET, 1_100, 4_000, 110_000),
    "NEXT50IETF": Character(MARKET, 1_100, 4_000, 110_000),
    "CPSEETF": Character(MARKET, 1_150, 9_000, 100_000),
    "INFRABEES": Character(MARKET, 1_050, 5_000, 100_000),
    "CONSUMBEES": Character(MARKET, 850, 5_000, 95_000),
    "ALPL30IETF": Character(MARKET, 900, 4_500, 110_000),
    "LOWVOLIETF": Character(MARKET, 750, 3_000, 95_000),
}
FUND: Final = Character(MARKET, 1_000, 600, 95_000)
TRUST: Final = Character(MARKET, 350, 11_000, 50_000)  # REITs and InvITs, whose income is paid out
FAMILIES: Final = ("LIQUID", "GILT", "GOLD", "SILVER")


@lru_cache(maxsize=4_096)
def character_of(kind: str, sector: str, ticker: str) -> Character:
    """Of a fund by its symbol; of a share by its sector, with a spread that its symbol decides."""
    if kind == "ETF":
        family = next((name for name in FAMILIES if ticker.startswith(name)), "")
        return FUNDS.get(ticker) or FUNDS.get(family) or FUND
    if kind in {"REIT", "INVIT"}:
        return TRUST
    first, second, third = blake2b(ticker.encode(), digest_size=3).digest()  # each 0 to 255
    share = SECTORS.get(sector, 1_000) * (850 + 300 * first // 255) // 1_000
    own = (16_000 + 12_000 * second // 255) * (500 + share // 2) // 1_000
    return Character(MARKET, share, own, 60_000 + 90_000 * third // 255)
