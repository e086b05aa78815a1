"""What one gateway's users have invested in, cleared away. The catalogue is everybody's and stays."""

from gateway.models import Gateway
from gateway.queue.leases import erase
from smallcases.models import Investment, InvestmentFill, RebalanceNotice, Sip


def clear(gateway: Gateway) -> None:
    """Inside the caller's transaction, batches and transactions locked."""
    erase(Sip.objects.filter(gateway=gateway))
    erase(InvestmentFill.objects.filter(investment__gateway=gateway))
    erase(Investment.objects.filter(gateway=gateway))
    erase(RebalanceNotice.objects.filter(gateway=gateway))
