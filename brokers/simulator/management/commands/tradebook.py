from argparse import ArgumentParser
from typing import Any

from brokers.ports.registry import profile_of
from brokers.simulator.tradebook_export import DIALECTS, as_csv, trades_of
from gateway.cli.management_base import Command as GatewayCommand
from gateway.cli.management_base import stop


class Command(GatewayCommand):
    help = (
        "Print a simulated broker's tradebook as CSV, in the format that `manage.py reconcile` and the console read: "
        "all trades of the broker or of one client, on all gateways or one."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("broker", help="the broker's key, such as kite")
        parser.add_argument("--client", metavar="ID", default="", help="only trades of this client")
        parser.add_argument("--gateway", metavar="NAME", default="", help="only trades on this gateway")
        parser.add_argument("--dialect", choices=sorted(DIALECTS), default="zerodha")

    def act(self, *, broker: str, client: str, gateway: str, dialect: str, **options: Any) -> None:
        profile_of(broker)
        trades = trades_of(broker=broker, client_id=client, gateway=gateway.lower())
        if not trades.exists():
            stop("No trades match.")
        for line in as_csv(trades, dialect=dialect):
            self.stdout.write(line, ending="")
