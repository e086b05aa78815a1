from argparse import ArgumentParser
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User

from gateway.cli.management_base import Command as GatewayCommand
from gateway.cli.management_base import stop
from gateway.partners import clock
from smallcases.catalogue.selectors import smallcase_of
from smallcases.models import Smallcase
from smallcases.rebalancing.publication_preview import Preview, WeightChange, rebalance_preview
from smallcases.rebalancing.publishing import publish_rebalance
from smallcases.rebalancing.rebalance_files import Rebalance, read_rebalance


class Command(GatewayCommand):
    help = (
        "Publish a new version of a smallcase from CSV (ticker,weight) or JSON ({label, rationale, constituents: "
        "[{ticker, weight}]}), weights in per cent. --dry-run prints a preview and changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("scid", metavar="SCID")
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="print a preview; publish nothing")
        parser.add_argument("--label", default="", help="the label for investors; default: the file's")
        parser.add_argument("--rationale", default="", help="the reason; default: the file's")
        parser.add_argument("--by", metavar="USERNAME", default="", help="the manager who publishes")

    def act(self, *, scid: str, file: Path, dry_run: bool, label: str, rationale: str, by: str, **options: Any) -> None:
        smallcase, rebalance, now = smallcase_of(scid), self._read(file), clock.wall()
        if dry_run:
            self._print(rebalance_preview(smallcase=smallcase, constituents=rebalance.constituents, now=now), smallcase)
            return
        version = publish_rebalance(
            smallcase=smallcase,
            constituents=rebalance.constituents,
            label=label or rebalance.label,
            rationale=rationale or rebalance.rationale,
            by=self._user(by),
            actor=self.actor,
            now=now,
        )
        self.stdout.write(f"{scid}: version {version.number} is published. Investors are notified in the background.")

    def _read(self, file: Path) -> Rebalance:
        rebalance = read_rebalance(file)
        for reject in rebalance.rejects:
            self.stderr.write(f"line {reject.line}: {reject.reason}")
        if rebalance.rejects:
            stop(f"{file.name} is not a valid version; nothing was published.")
        return rebalance

    def _user(self, name: str) -> User | None:
        found = User.objects.filter(username=name).first() if name else None
        if name and found is None:
            stop(f"There is no user {name}.")
        return found

    def _print(self, preview: Preview, smallcase: Smallcase) -> None:
        self.stdout.write(f"{smallcase.scid}: version {preview.number} on top of {preview.newest.number}")
        for change in preview.changes:
            self.stdout.write(
                f"  {_verb(change):<8} {change.ticker:<20} {_plain(change.before)} → {_plain(change.after)} %"
            )
        self.stdout.write(
            f"turnover {_plain(preview.turnover)} % · {preview.investments} live investments · "
            f"buys about ₹{preview.buy}, sells about ₹{preview.sell}\n"
            f"minimum investment ₹{preview.minimum_before} → ₹{preview.minimum_after or '?'}"
        )
        for ticker in preview.untradable:
            self.stdout.write(f"cannot be traded: {ticker}")


def _verb(change: WeightChange) -> str:
    if not change.before:
        return "added"
    return "changed" if change.after else "removed"


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
