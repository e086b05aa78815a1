from collections import Counter
from typing import Any, Final

from django.db.transaction import atomic

from gateway.cli.management_base import Command as GatewayCommand
from gateway.cli.management_base import stop
from gateway.partners.reencryption import EncryptedColumn, Reencrypted, encrypted_columns, reencrypt_column

EVERY: Final = 10_000  # values
SHOWN: Final = 5


class Command(GatewayCommand):
    help = (
        "Encrypt every stored secret again with the first of ENCRYPTION_KEYS, including open broker logins, while the "
        "gateway runs. It may be interrupted and repeated: values of the first key do not change. Remove the older "
        "keys when a run re-encrypts nothing. docs/runbook.md has all the steps of a key change."
    )

    def act(self, **options: Any) -> None:
        done = {column: self._reencrypt(column) for column in encrypted_columns()}
        reencrypted = Counter[str]()
        for column, counts in done.items():
            reencrypted[column.table] += counts.reencrypted
        with atomic(durable=True):
            self.actor.record("re-encrypt secrets", "all secrets", after=dict(reencrypted))
        unopened = [f"{column} of rows {_first(counts)}" for column, counts in done.items() if counts.unopened]
        if unopened:
            stop(f"No key of ENCRYPTION_KEYS decrypts {', '.join(unopened)}. Add the key that encrypted them again.")
        self.stdout.write(_advice(reencrypted.total()))

    def _reencrypt(self, column: EncryptedColumn) -> Reencrypted:
        counts = Reencrypted()
        for counts in reencrypt_column(column):
            if counts.read % EVERY == 0:
                self.stdout.write(f"{column}: {counts.read} read")
        self.stdout.write(f"{column}: {counts.read} read, {counts.reencrypted} re-encrypted")
        return counts


def _first(counts: Reencrypted) -> str:
    named = ", ".join(map(str, counts.unopened[:SHOWN]))
    return named if len(counts.unopened) <= SHOWN else f"{named} and {len(counts.unopened) - SHOWN} more"


def _advice(reencrypted: int) -> str:
    if reencrypted:
        return "Run this again until it re-encrypts nothing: a process may have used an older key meanwhile."
    return "Nothing was re-encrypted: the first of ENCRYPTION_KEYS decrypts every value. You can remove the older keys."
