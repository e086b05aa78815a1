"""The available brokers, their capabilities, and their adapters."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from brokers.market.charges import Tariff
from brokers.market.proceeds import usable_part
from brokers.ports.broker import Broker, TradebookExport
from brokers.ports.linked_broker import LinkedBroker
from brokers.simulator import tradebook_export
from brokers.simulator.adapter import SimulatedBroker, Terms
from gateway.models import Account
from gateway.values.errors import Invalid


@dataclass(frozen=True, slots=True)
class BrokerProfile:
    """The capabilities that the checkout and the eligibility checks read."""

    key: str
    name: str
    tariff: Tariff
    latency: timedelta
    limit_orders: bool = False
    amo: bool = True
    holdings_import: bool = True
    sip: bool = True

    @property
    def usable_proceeds(self) -> Decimal:
        """The part of a day's sales that may pay for purchases on the same day."""
        return usable_part(self.key)


def _profile(key: str, name: str, *, rate: str = "0.001", cap: str = "20", ms: int = 20, **can: bool) -> BrokerProfile:
    tariff = Tariff(Decimal(rate), Decimal(cap))
    return BrokerProfile(key=key, name=name, tariff=tariff, latency=timedelta(milliseconds=ms), **can)


_ALL: Final = (
    _profile("aliceblue", "Alice Blue", ms=30),
    _profile("angelbroking", "Angel One", ms=25),
    _profile("axis", "Axis Direct", rate="0.005", cap="500", ms=60, sip=False),
    _profile("dhan", "Dhan", rate="0", cap="0", ms=10),
    _profile("edelweiss", "Nuvama", rate="0.003", cap="300", ms=45, amo=False),
    _profile("fisdom", "Fisdom", ms=40, amo=False),
    _profile("fivepaisa", "5paisa", rate="1", cap="20", ms=20, limit_orders=True),
    _profile("fundzbazar", "FundzBazar", ms=60, amo=False, holdings_import=False, sip=False),
    _profile("groww", "Groww", ms=15, limit_orders=True),
    _profile("hdfc", "HDFC Securities", rate="0.005", cap="500", ms=60),
    _profile("icici", "ICICI Direct", rate="0.0029", cap="300", ms=55),
    _profile("iifl", "IIFL Securities", ms=35),
    _profile("kite", "Zerodha", rate="0", cap="0", ms=10, limit_orders=True),
    _profile("kotak", "Kotak Securities", rate="0.002", cap="20", ms=40),
    _profile("motilal", "Motilal Oswal", rate="0.002", cap="300", ms=45),
    _profile("trustline", "Trustline", rate="0.002", cap="200", ms=50, holdings_import=False),
    _profile("upstox", "Upstox", rate="1", cap="20", ms=15),
)
BROKERS: Final[Mapping[str, BrokerProfile]] = {profile.key: profile for profile in _ALL}
_SIMULATED: Final = SimulatedBroker({p.key: Terms(latency=p.latency, tariff=p.tariff) for p in _ALL})


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
