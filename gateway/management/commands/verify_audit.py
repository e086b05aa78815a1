import re
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any, Final

from gateway.audit import trail
from gateway.cli.management_base import Command as GatewayCommand
from gateway.cli.management_base import stop

NEXT_STEP: Final = (
    "Next: keep a copy of the database as it is, and compare this entry with a backup and with the log gateway.audit, "
    "which has each entry's digest. If nobody changed the trail, AUDIT_KEYS may lack the key that signed it."
)


def kept_head(text: str) -> tuple[int, str]:
    match = re.fullmatch(r"([0-9]{1,18}):([0-9a-f]{64})", text)
    if match is None:
        raise ArgumentTypeError("a head must be NUMBER:DIGEST, as this command prints it")
    return int(match[1]), match[2]


class Command(GatewayCommand):
    help = (
        "Verify the audit trail from its first entry to its head. A broken trail is reported by its first bad entry: "
        "missing, changed, inserted or truncated. Prints the head, NUMBER:DIGEST. Keep it elsewhere and pass it to a "
        "later run with --head: the run then also detects a trail that was restored to an earlier state."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--head",
            action="append",
            default=[],
            type=kept_head,
            metavar="NUMBER:DIGEST",
            help="a head that an earlier run printed and that was stored elsewhere; may be repeated",
        )

    def act(self, *, head: list[tuple[int, str]], **_: Any) -> None:
        verdict = trail.verify(expected=head)
        if verdict.broken:
            stop(f"{verdict.broken} Intact entries before it: {verdict.entries}. {NEXT_STEP}")
        self.stdout.write(f"{verdict.entries} entries, unbroken.")
        self.stdout.write(f"Head: {verdict.head}")
