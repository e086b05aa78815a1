"""Users who confirm, one after the other: `python -m benchmarks.confirming`, ids of transactions on standard input.

Says "ready", waits for a line, and confirms them.
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
        # As the view finds it: with its gateway and account.
        transaction = Transaction.objects.select_related("gateway", "account").get(pk=pk)
        confirm(transaction=transaction, selections=UserSelections(), now=clock.now(transaction.gateway))


if __name__ == "__main__":
    main()
