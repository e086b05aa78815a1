"""Deletes one gateway's data and faults at the simulated brokers, and its price overrides."""

from brokers.models import PriceOverride
from brokers.simulator.account_books import accounts
from brokers.simulator.models import BrokerFault, SimAccount, SimOrder, SimTrade
from gateway.models import Gateway
from gateway.queue.leases import erase


def clear(gateway: Gateway) -> None:
    """Runs inside the caller's transaction. Locks the accounts first, so that no order is matched in between."""
    accounts.lock_all(gateway)
    erase(SimTrade.objects.filter(account__gateway=gateway))
    erase(SimOrder.objects.filter(account__gateway=gateway))
    erase(SimAccount.objects.filter(gateway=gateway))
    erase(BrokerFault.objects.filter(gateway=gateway))
    erase(PriceOverride.objects.filter(gateway=gateway))
