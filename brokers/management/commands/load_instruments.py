from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from rich.progress import Progress

from brokers.market.instrument_files import load, read_instruments
from brokers.models import Instrument
from gateway.cli.management_base import Command as GatewayCommand
from gateway.cli.management_base import console, stop

SHIPPED = Path(__file__).resolve().parents[2] / "data" / "instruments.csv"


class Command(GatewayCommand):
    help = (
        "Load instruments from a CSV (symbol,name,isin,kind,sector,reference_price[,charge_class]"
        "[,series][,price_band][,tick_size][,tradable]), or update reference prices and series from an NSE bhavcopy "
        "CSV. Running it twice changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file",
            nargs="?",
            type=Path,
            default=SHIPPED,
            help="default: the list that is shipped with the gateway",
        )
        parser.add_argument("--keep-good", action="store_true", help="load valid rows even if other rows are rejected")

        parser.add_argument("--unless-loaded", action="store_true", help="do nothing if any instrument exists")

    def act(self, *, file: Path, keep_good: bool, unless_loaded: bool, **options: Any) -> None:
        if unless_loaded and Instrument.objects.exists():
            self.stdout.write("Instruments already exist; nothing was loaded.")
            return
        with Progress(console=console(to_stderr=True), transient=True) as bar:
            task = bar.add_task("reading", total=None)
            reading = read_instruments(file, progress=lambda: bar.advance(task))
        for reject in reading.rejects:
            self.stderr.write(f"line {reject.line}: {reject.reason}")
        if reading.rejects and not keep_good:
            stop(f"{len(reading.rejects)} problems; nothing was loaded. Fix them, or load the rest with --keep-good.")
        load(reading.instruments, by=self.actor)
        aside = f"; {reading.unknown} rows skipped: not in the catalogue" if reading.unknown else ""
        self.stdout.write(f"{len(reading.instruments)} instruments loaded{aside}.")
