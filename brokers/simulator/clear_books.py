"""What the market side keeps of one gateway, cleared away: the simulated brokers' books and the pinned prices."""

from brokers.models import PriceOverride
from brokers.simulator import accounts
from brokers.simulator.models import SimAccount, SimOrder, SimTrade
from gateway.models import Gateway
from gateway.queue.leases import erase


def clear(gateway: Gateway) -> None:
    """Inside the caller's transaction. Accounts are locked first: what is matched now is either done or finds none."""
    accounts.lock_all(gateway)
    erase(SimTrade.objects.filter(account__gateway=gateway))
    erase(SimOrder.objects.filter(account__gateway=gateway))
    erase(SimAccount.objects.filter(gateway=gateway))
    erase(PriceOverride.objects.filter(gateway=gateway))
