"""Confirms transactions one after the other: `python -m benchmarks.confirming`, transaction ids on standard input.

Prints "ready", waits for a line, and confirms.
"""

import sys

import django

django.setup()

from gateway.partners import clock  # noqa: E402 - Django had to be set up
from transactions.checkout.confirm import UserSelections, confirm  # noqa: E402 - Django had to be set up
from transactions.models import Transaction  # noqa: E402 - Django had to be set up


def main() -> None:
    pks = [int(pk) for pk in sys.stdin.readline().split()]
    print("ready", Transaction.objects.count(), flush=True)  # the connection is open
    sys.stdin.readline()
    for pk in pks:
        # With its gateway and account, like the view.
        transaction = Transaction.objects.select_related("gateway", "account").get(pk=pk)
        confirm(transaction=transaction, selections=UserSelections(), now=clock.now(transaction.gateway))


if __name__ == "__main__":
    main()
