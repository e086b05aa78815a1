"""A process that trades for one client at the simulated broker: each line in is an order, each line out its status.

usage: python -m tests.brokers.simulator.trader GATEWAY CLIENT
"""

import sys
from datetime import datetime, timedelta
from typing import Final

import django

from brokers.ports.broker import LiveSession, NewOrder, OrderType, Side, Validity, Variety

LATER: Final = timedelta(seconds=5)  # past the broker's latency


def main(gateway: int, client_id: str) -> None:
    django.setup()
    from brokers.ports.registry import adapter_for

    broker, login = adapter_for("kite"), LiveSession(gateway=gateway, broker="kite", client_id=client_id, token="")
    for line in sys.stdin:
        ref, side, quantity, at = line.split()
        now = datetime.fromisoformat(at)
        market = (OrderType.MARKET, Variety.REGULAR, Validity.DAY, None, None)
        broker.place(login, NewOrder(ref, "INFY", Side(side), int(quantity), *market), now=now)
        (report,) = broker.order_book(login, [ref], now=now + LATER)
        print(report.status, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
