from collections import Counter
from typing import Any, Final

from django.db.transaction import atomic

from gateway.cli.management_base import Command as Door
from gateway.cli.management_base import stop
from gateway.partners.reencryption import Resealed, SealedColumn, reseal_column, sealed_columns

EVERY: Final = 10_000  # values
SHOWN: Final = 5


class Command(Door):
    help = (
        "Seal every stored secret anew with the first of ENCRYPTION_KEYS, open logins at brokers included, while the "
        "gateway runs. It may be interrupted, and run again: what the first key has sealed is left alone. Drop the "
        "older keys once a run reseals nothing. docs/runbook.md has all the steps of a change of keys."
    )

    def act(self, **options: Any) -> None:
        done = {column: self._reseal(column) for column in sealed_columns()}
        resealed = Counter[str]()
        for column, counts in done.items():
            resealed[column.table] += counts.resealed
        with atomic(durable=True):
            self.actor.record("reseal secrets", "all secrets", after=dict(resealed))
        unopened = [f"{column} of rows {_first(counts)}" for column, counts in done.items() if counts.unopened]
        if unopened:
            stop(f"No key of ENCRYPTION_KEYS opens {', '.join(unopened)}. Put the key back that sealed them.")
        self.stdout.write(_advice(resealed.total()))

    def _reseal(self, column: SealedColumn) -> Resealed:
        counts = Resealed()
        for counts in reseal_column(column):
            if counts.read % EVERY == 0:
                self.stdout.write(f"{column}: {counts.read} read")
        self.stdout.write(f"{column}: {counts.read} read, {counts.resealed} resealed")
        return counts


def _first(counts: Resealed) -> str:
    named = ", ".join(map(str, counts.unopened[:SHOWN]))
    return named if len(counts.unopened) <= SHOWN else f"{named} and {len(counts.unopened) - SHOWN} more"


def _advice(resealed: int) -> str:
    if resealed:
        return (
            "Run this again until it reseals nothing: a process may have sealed something with an older key meanwhile."
        )
    return "Nothing was resealed: the first of ENCRYPTION_KEYS opens everything, and the older ones can be dropped."
