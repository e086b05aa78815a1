"""Confirms baskets whose users have logged in, in separate processes, and waits until no batch is open."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from time import monotonic
from typing import Final

from django.db.models import Q

from benchmarks.stage import Stage
from brokers.models import BrokerSession, Instrument
from brokers.ports.broker import Side
from brokers.simulator.models import SimAccount
from brokers.simulator.personas import Persona, lent_shares, opening_funds
from gateway.database.encryption import encrypt
from gateway.models import Account, Gateway
from gateway.partners import clock
from gateway.values.ids import new_object_id
from tests.processes.waiting import until
from tests.servers import ROOT
from transactions.domain.basket import Security, line_of
from transactions.domain.intents import Intent
from transactions.domain.statuses import FINAL_BATCH, OrderStatus, TransactionStatus
from transactions.models import Batch, Order, Transaction

BROKER: Final = "kite"
CONFIRMERS: Final = 2  # as many as web processes


def logged_in(gateway: Gateway, *, number: int, names: int, broker: str = BROKER) -> list[int]:
    """Transactions of as many users, ready to confirm a basket of `names` stocks."""
    now, encrypted = clock.now(gateway), encrypt("")
    accounts = Account.objects.bulk_create(
        Account(gateway=gateway, auth_id=(made := new_object_id()), broker=broker, client_id=made, created_at=now)
        for _ in range(number)
    )
    SimAccount.objects.bulk_create(
        SimAccount(
            gateway=gateway,
            broker=broker,
            client_id=account.client_id,
            opening_funds=opening_funds(Persona.RICH),
            lent_shares=lent_shares(Persona.RICH),
            opened_at=now,
        )
        for account in accounts
    )
    BrokerSession.objects.bulk_create(
        BrokerSession(account=account, encrypted_token=encrypted, started_at=now) for account in accounts
    )
    tickers = _tickers(names)
    config = {"type": "SECURITIES", "securities": [line_of(Security(ticker, 1, Side.BUY)) for ticker in tickers]}
    made_now = Transaction.objects.bulk_create(
        Transaction(
            gateway=gateway,
            account=account,
            intent=Intent.TRANSACTION.value,
            status=TransactionStatus.USED.value,
            order_config=config,
            logged_in_at=now,
            expires_at=now + timedelta(hours=4),
            created_at=now,
            updated_at=now,
        )
        for account in accounts
    )
    return [one.pk for one in made_now]


def played(stage: Stage, pks: list[int], *, names: int) -> float:
    """Seconds from the first confirmation until all orders are filled and all batches completed."""
    confirmers = [_confirmer(stage, pks[n::CONFIRMERS]) for n in range(CONFIRMERS)]
    began = monotonic()
    for process in confirmers:
        print(file=process.stdin, flush=True)
    try:
        until(lambda: _final() >= len(pks), seconds=60 + len(pks), what=f"{len(pks)} batches final")
        took = monotonic() - began
    finally:
        for process in confirmers:
            process.communicate()
    filled = Order.objects.filter(status=OrderStatus.COMPLETE).count()
    assert filled == len(pks) * names, f"{filled} of {len(pks) * names} orders are filled."
    return took


def _final() -> int:
    return Batch.objects.filter(Q(status__in=[one.value for one in FINAL_BATCH])).count()


def _tickers(names: int) -> Iterator[str]:
    """The cheapest stocks first, so that a user's funds suffice."""
    yield from (
        Instrument.objects.filter(tradable=True).order_by("reference_price").values_list("symbol", flat=True)[:names]
    )


def _confirmer(stage: Stage, pks: list[int]) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "benchmarks.confirming"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=stage.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    print(*pks, file=process.stdin, flush=True)
    process.stdout.readline()
    return process
