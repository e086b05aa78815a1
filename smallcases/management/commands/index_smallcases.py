from argparse import ArgumentParser
from typing import Any

from rich.progress import Progress

from gateway.cli.management_base import Command as GatewayCommand
from gateway.cli.management_base import console, stop
from gateway.partners import clock
from smallcases.models import Smallcase
from smallcases.portfolio.daily_index import index_smallcases


class Command(GatewayCommand):
    help = "Compute the missing index values of past trading days. Running it twice changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("scids", nargs="*", metavar="SCID", help="default: all smallcases")

    def act(self, *, scids: list[str], **options: Any) -> None:
        unknown = set(scids) - set(Smallcase.objects.filter(scid__in=scids).values_list("scid", flat=True))
        if unknown:
            stop(f"There is no smallcase {', '.join(sorted(unknown))}.")
        with Progress(console=console(to_stderr=True), transient=True) as bar:
            task = bar.add_task("indexing", total=None)
            added = index_smallcases(
                now=clock.wall(),
                scids=scids or None,
                progress=lambda total: bar.update(task, total=total, advance=1),
            )
        self.stdout.write(f"{added} index values computed.")
