"""Deletes one gateway's investments. The catalogue is shared by all gateways and stays."""

from gateway.models import Gateway
from gateway.queue.leases import erase
from smallcases.models import Investment, InvestmentFill, RebalanceNotice, Sip


def clear(gateway: Gateway) -> None:
    """Call inside a transaction that has locked the gateway's batches and transactions."""
    erase(Sip.objects.filter(gateway=gateway))
    erase(InvestmentFill.objects.filter(investment__gateway=gateway))
    erase(Investment.objects.filter(gateway=gateway))
    erase(RebalanceNotice.objects.filter(gateway=gateway))
