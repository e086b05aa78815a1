"""The available brokers, their capabilities, and their adapters."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from decimal import Decimal
from typing import Final

from brokers.market.charges import TARIFFS, Tariff
from brokers.market.hours import AmoWindow
from brokers.market.proceeds import usable_part
from brokers.ports.broker import Broker, TradebookExport
from brokers.ports.linked_broker import LinkedBroker
from brokers.ports.order_limits import OrderLimit
from brokers.simulator import tradebook_export
from brokers.simulator.adapter import SimulatedBroker
from brokers.simulator.matching import Terms
from gateway.models import Account
from gateway.values.errors import Invalid


@dataclass(frozen=True, slots=True)
class BrokerProfile:
    """The capabilities that the checkout and the eligibility checks read.

    `slices`: an order above `order_limit` is placed in slices, else it is refused.
    `amo`: when the broker accepts after-market orders; None if it accepts none.
    """

    key: str
    name: str
    tariff: Tariff
    latency: timedelta
    order_limit: OrderLimit
    amo: AmoWindow | None
    slices: bool = False
    limit_orders: bool = False
    holdings_import: bool = True
    sip: bool = True

    @property
    def usable_proceeds(self) -> Decimal:
        """The part of a day's sales that may pay for purchases on the same day."""
        return usable_part(self.key)


# Zerodha's limit of an equity order; secondary source: webnotes.in, "Kite order quantity and value limits", 2026.
# Other brokers publish none that was found: theirs is assumed to be the same [ours].
ORDER_LIMIT: Final = OrderLimit(shares=100_000, rupees=Decimal(100_000_000))


# Equity on NSE, as guides to Indian brokers state it (yourfinancebook.com, investorgain.com): secondary sources.
# Not verified with each broker, and brokers change it: Zerodha's own support page says 16:00–08:58.
AMO: Final = AmoWindow(opens=time(15, 45), closes=time(8, 57))
# help.upstox.com, article 250502: 16:01 to 08:58. Its pause from midnight to 05:00 is not simulated.
UPSTOX_AMO: Final = AmoWindow(opens=time(16, 1), closes=time(8, 58))


def _profile(key: str, name: str, *, ms: int = 20, amo: AmoWindow | None = AMO, **can: bool) -> BrokerProfile:
    latency = timedelta(milliseconds=ms)
    return BrokerProfile(
        key=key, name=name, tariff=TARIFFS[key], latency=latency, order_limit=ORDER_LIMIT, amo=amo, **can
    )


# Kite Connect slices by `autoslice` (orders, v3), Dhan by POST /orders/slicing, Upstox by `slice` (order API v3).
_ALL: Final = (
    _profile("aliceblue", "Alice Blue", ms=30),
    _profile("angelbroking", "Angel One", ms=25),
    _profile("axis", "Axis Direct", ms=60, sip=False),
    _profile("dhan", "Dhan", ms=10, slices=True),
    _profile("edelweiss", "Nuvama", ms=45, amo=None),
    _profile("fisdom", "Fisdom", ms=40, amo=None),
    _profile("fivepaisa", "5paisa", ms=20, limit_orders=True),
    _profile("fundzbazar", "FundzBazar", ms=60, amo=None, holdings_import=False, sip=False),
    _profile("groww", "Groww", ms=15, limit_orders=True),
    _profile("hdfc", "HDFC Securities", ms=60),
    _profile("icici", "ICICI Direct", ms=55),
    _profile("iifl", "IIFL Securities", ms=35),
    _profile("kite", "Zerodha", ms=10, limit_orders=True, slices=True),
    _profile("kotak", "Kotak Securities", ms=40),
    _profile("motilal", "Motilal Oswal", ms=45),
    _profile("trustline", "Trustline", ms=50, holdings_import=False),
    _profile("upstox", "Upstox", ms=15, amo=UPSTOX_AMO, slices=True),
)
BROKERS: Final[Mapping[str, BrokerProfile]] = {profile.key: profile for profile in _ALL}
_SIMULATED: Final = SimulatedBroker(
    {p.key: Terms(p.latency, p.tariff, order_limit=p.order_limit, slices=p.slices) for p in _ALL}
)


class UnknownBroker(Invalid):
    """No available broker has this key."""


def profile_of(key: str) -> BrokerProfile:
    """Raises UnknownBroker if no available broker has this key."""
    if key not in BROKERS:
        raise UnknownBroker(f"broker: must be one of {', '.join(BROKERS)}.")
    return BROKERS[key]


def adapter_for(key: str) -> Broker:
    """Every broker is simulated today. A real broker is a module with the port's methods and a line here."""
    profile_of(key)
    return LinkedBroker(_SIMULATED)


def tradebook_of(account: Account) -> TradebookExport | None:
    """None if the broker exports no tradebook. Every simulated broker does."""
    return tradebook_export.export_of(account) if account.broker in BROKERS else None
