from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from brokers.market.market_days.import_days import apply_import, plan_import, told
from brokers.market.market_days.market_day_files import read_market_days
from gateway.cli.management_base import Command as GatewayCommand
from gateway.cli.management_base import stop
from gateway.values.text_files import read_text


class Command(GatewayCommand):
    help = (
        "Import market days: NSE's list of trading holidays as JSON (nseindia.com/api/holiday-master?type=trading) or "
        "CSV (DATE, DESCRIPTION), or a CSV with day, opens, closes and note, one row for each session. All or nothing; "
        "running it twice changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="print the changes and save nothing")

    def act(self, *, file: Path, dry_run: bool, **options: Any) -> None:
        found = read_market_days(read_text(file), file.name)
        for reject in found.rejects:
            self.stderr.write(f"line {reject.line}: {reject.reason}")
        if found.rejects:
            stop(f"{len(found.rejects)} problems; nothing was imported.")
        plan = plan_import(found)
        for line in [*(told(day, one) for day, one in plan.changes.items()), *plan.remarks]:
            self.stdout.write(line)
        if not dry_run:
            apply_import(plan, by=self.actor)
        verb = "would change" if dry_run else "changed"
        read = f"{len(found.days)} days read ({found.weekends} more on weekends)"
        self.stdout.write(f"{read}, {len(plan.changes)} {verb}.")
