"""NSE's series: how a security is traded and settled."""

from typing import Final

from django.db.models import TextChoices


class Series(TextChoices):
    """The series of shares, funds and trusts (NSE, "Legend of Series"); ETFs are in EQ."""

    EQ = "EQ", "EQ: equity"
    BE = "BE", "BE: trade to trade"
    BZ = "BZ", "BZ: trade to trade, listing rules not met"
    SM = "SM", "SM: SME"
    ST = "ST", "ST: SME, trade to trade"
    SZ = "SZ", "SZ: SME, trade to trade, listing rules not met"
    RR = "RR", "RR: REIT"
    IV = "IV", "IV: InvIT"


# Each trade is settled by delivery: shares that were bought cannot be sold before they have arrived.
TRADE_TO_TRADE: Final = frozenset({Series.BE, Series.BZ, Series.ST, Series.SZ})
PRICE_BANDS: Final = (2, 5, 10, 20)  # per cent of the previous close, up and down
