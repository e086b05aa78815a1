from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.progress import Progress

from brokers.market.instrument_files import Reject
from gateway.cli.management_base import Command as GatewayCommand
from gateway.cli.management_base import console, stop
from gateway.partners import clock
from smallcases.catalogue.create_smallcases import known_to_files, load_catalogue
from smallcases.catalogue.smallcase_files import SmallcaseFile, read_smallcases
from smallcases.portfolio.daily_index import index_smallcases

SHIPPED = Path(__file__).resolve().parents[2] / "data" / "smallcases.json"


class Command(GatewayCommand):
    help = (
        "Load smallcases from JSON (a list, each with its constituents) or CSV (a row for each constituent), and "
        "compute their index. Missing smallcases are created with version 1 and texts are updated. A file whose "
        "constituents differ from every published version is rejected. All or nothing; twice changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", nargs="?", type=Path, default=SHIPPED, help="default: the catalogue shipped with the gateway"
        )

    def act(self, *, file: Path, **options: Any) -> None:
        now = clock.wall()
        reading = read_smallcases(file, known=known_to_files(now=now))
        self._refuse(reading.rejects)
        loaded = load_catalogue(reading.drafts, by=self.actor)
        self._refuse(loaded.refusals)
        self.stdout.write(f"{loaded.new} smallcases created, {loaded.known} existed.")
        self.stdout.write(f"{self._index(reading)} index values computed.")

    def _refuse(self, rejects: Sequence[Reject]) -> None:
        for reject in sorted(rejects, key=lambda one: one.line):
            self.stderr.write(f"line {reject.line}: {reject.reason}")
        if rejects:
            stop(f"{len(rejects)} {'problem' if len(rejects) == 1 else 'problems'}; nothing was loaded.")

    def _index(self, reading: SmallcaseFile) -> int:
        with Progress(console=console(to_stderr=True), transient=True) as bar:
            task = bar.add_task("indexing", total=len(reading.drafts))
            return index_smallcases(
                now=clock.wall(),
                scids=[draft.scid for draft in reading.drafts],
                progress=lambda total: bar.advance(task),
            )
