"""What the partners' own records say, and the doctor; each line with how many times it was broken."""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from tests.chaos.cast import MAIN, Member
from tests.chaos.load import Ledger
from tests.chaos.receiver import Hit, Receiver
from tests.processes.stack import Stack
from tests.servers import ROOT

OWED: Final = """
    SELECT e.key, e.subject, e.sequence, d.status, d.failures, e.type = ANY (
        SELECT jsonb_array_elements_text(p.types)), p.is_enabled
    FROM webhooks_event e
    JOIN webhooks_endpoint p ON p.gateway_id = e.gateway_id AND p.url = %s
    LEFT JOIN webhooks_delivery d ON d.event_id = e.id AND d.endpoint_id = p.id
    ORDER BY e.subject, e.sequence
"""
# After the tenth failure the plan ends: by the partner's own doing.
FAILURES_BORNE: Final = 10
# An order whose answer was lost may not have arrived: its worker was killed, or its request lost on the way.
UNHEARD: Final = """
    SELECT o.ref, a.client_id FROM transactions_order o
    JOIN transactions_batch b ON b.id = o.batch_id JOIN gateway_account a ON a.id = b.account_id
    WHERE o.status NOT IN ('QUEUED', 'UNPLACED') AND (o.status <> 'ERROR' OR o.broker_order_id IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM simulator_simorder s WHERE s.ref = o.ref)
"""


@dataclass(frozen=True, slots=True)
class Line:
    """`whose`: the record that it is judged by."""

    whose: str
    name: str
    offenders: Sequence[str]


def judged(stack: Stack, members: Sequence[Member], receiver: Receiver, ledger: Ledger) -> list[Line]:
    lines = [
        Line("partners", "every id that was handed out is known", _forgotten(stack, ledger)),
        Line("partners", "every confirmed order was placed once", _not_confirmed(stack, ledger)),
        Line("partners", "no answer was a 5xx other than 503", ledger.blunders),
        Line("brokers", "every order that was acknowledged has arrived, and any other is unknown", _unheard(stack)),
        Line("webhooks", "every signature and checksum was genuine", receiver.forged),
    ]
    hits = _by_place(receiver.hits)
    told: dict[str, list[str]] = defaultdict(list)
    for member in members:
        place = member.place(MAIN)
        owed = stack.ask(OWED, receiver.url(place))
        for name, offenders in heard(owed, hits[place]).items():
            told[name] += offenders
    return lines + [Line("webhooks", name, offenders) for name, offenders in told.items()]


def doctor(environment: Mapping[str, str]) -> list[Line]:
    """All of its invariants, of gateways at rest."""
    command = [sys.executable, "manage.py", "doctor", "--settled", "--json"]
    done = subprocess.run(command, check=False, cwd=ROOT, env=dict(environment), capture_output=True, text=True)
    assert done.stdout, done.stderr
    return [Line(f"doctor: {one['app']}", one["name"], _shown(one)) for one in json.loads(done.stdout)["invariants"]]


def _shown(invariant: Mapping[str, Any]) -> list[str]:
    first = [str(row) for row in invariant["first"]]
    return first + ["…"] * (invariant["offenders"] - len(first))


def _unheard(stack: Stack) -> list[str]:
    return [f"{ref} of {client_id}" for ref, client_id in stack.ask(UNHEARD)]


def _forgotten(stack: Stack, ledger: Ledger) -> list[str]:
    known = {row[0] for row in stack.ask("SELECT transaction_id FROM transactions_transaction")}
    return sorted(ledger.promised - known)


def _not_confirmed(stack: Stack, ledger: Ledger) -> list[str]:
    """What was answered with 200 has begun, and with the one batch that it can have, or needs none."""
    begun = {
        row[0]
        for row in stack.ask("""
            SELECT t.transaction_id FROM transactions_transaction t
            LEFT JOIN transactions_batch b ON b.transaction_id = t.id
            WHERE t.status = 'COMPLETED' AND (b.id IS NOT NULL OR t.intent <> 'TRANSACTION')
        """)
    }
    return sorted(ledger.confirmed - begun)


def _by_place(hits: Sequence[Hit]) -> dict[str, list[Hit]]:
    found: dict[str, list[Hit]] = defaultdict(list)
    for hit in hits:
        found[hit.place].append(hit)
    return found


def heard(owed: Sequence[tuple[Any, ...]], hits: Sequence[Hit]) -> dict[str, list[str]]:
    """Of one endpoint that hears everything and was never disabled."""
    by_key: dict[str, list[Hit]] = defaultdict(list)
    for hit in hits:
        by_key[hit.key].append(hit)
    accepted = {key: min(hit.number for hit in said if hit.accepted) for key, said in by_key.items() if any_of(said)}
    given_up = {key for key, *_, status, failures, _, _ in owed if status == "GIVEN_UP" and failures >= FAILURES_BORNE}
    return {
        "every event was owed, and the endpoint left enabled": [
            f"{key} {subject} #{n}" for key, subject, n, status, _, hears, on in owed if not (status and hears and on)
        ],
        "every event was heard at least once": [
            f"{key} {subject} #{n} is {status}"
            for key, subject, n, status, *_ in owed
            if key not in accepted and key not in given_up
        ],
        "every batch was heard in order": _out_of_order(owed, by_key, accepted, given_up),
        "every repetition said the same": [
            key for key, said in by_key.items() if any(hit.body != said[0].body for hit in said)
        ],
        "nothing was heard that is not recorded": sorted(by_key.keys() - {row[0] for row in owed}),
    }


def any_of(said: Sequence[Hit]) -> bool:
    return any(hit.accepted for hit in said)


def _out_of_order(
    owed: Sequence[tuple[Any, ...]],
    by_key: Mapping[str, Sequence[Hit]],
    accepted: Mapping[str, int],
    given_up: set[str],
) -> list[str]:
    """Before the first word of an event, the one before it in its subject was accepted or given up."""
    wrong = []
    for (before, subject, *_), (key, same, sequence, *_) in pairwise(owed):
        if subject != same or key not in by_key or before in given_up:
            continue
        if before not in accepted or accepted[before] > min(hit.number for hit in by_key[key]):
            wrong.append(f"{subject} #{sequence} came before its predecessor was accepted")
    return wrong
