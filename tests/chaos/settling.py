"""After the last fault, time passes: real time for leases, the gateways' clocks for retries and reports."""

import time
from collections.abc import Sequence
from typing import Final

import requests

from tests.chaos.cast import Member
from tests.processes.stack import Stack

# Open work: per gateway, how much of it, and in how many seconds by its clock the next of it is due. What waits for
# an event before it is due with that one, or after.
OPEN: Final = """
    WITH work AS (
        SELECT gateway_id, due_at FROM transactions_batch WHERE due_at IS NOT NULL
        UNION ALL SELECT d.gateway_id, max(d.due_at) OVER (PARTITION BY d.endpoint_id, e.subject ORDER BY e.sequence)
            FROM webhooks_delivery d JOIN webhooks_event e ON e.id = d.event_id
            JOIN webhooks_endpoint p ON p.id = d.endpoint_id WHERE d.due_at IS NOT NULL AND p.is_enabled
        UNION ALL SELECT gateway_id, NULL FROM transactions_transaction WHERE status = 'PROCESSING'
    )
    SELECT g.name, count(*), coalesce(extract(epoch FROM min(w.due_at) - (now() + g.clock_offset)), 0)::float
    FROM work w JOIN gateway_gateway g ON g.id = w.gateway_id GROUP BY g.id
"""
# Open orders of these users are asked about once they log in again.
LOGGED_OUT: Final = """
    SELECT DISTINCT g.name, a.broker, a.client_id FROM transactions_batch b
    JOIN gateway_account a ON a.id = b.account_id JOIN gateway_gateway g ON g.id = b.gateway_id
    WHERE b.session_ended_at IS NOT NULL
"""
LOOK_SECONDS: Final = 0.5
# A resting order is looked at twice a minute, a lost one four times an hour, for a day: not each of these is played.
STRIDE_SECONDS: Final = 6 * 3600
# A dispatcher that died holds its rows for half a minute, a worker for a whole one: so long nothing may move.
PATIENCE_SECONDS: Final = 150
LONGEST_SECONDS: Final = 900


def settle(stack: Stack, members: Sequence[Member]) -> tuple[float, list[str]]:
    """The seconds until nothing was open any more, and the rows still open at the timeout."""
    began = moved = time.monotonic()
    by_name = {member.name: member for member in members}
    before: dict[str, int] = {}
    while left := stack.ask(OPEN):
        now = time.monotonic()
        ahead = [(name, seconds) for name, _, seconds in left if seconds > 0]
        counts = {name: count for name, count, _ in left}
        moved = now if ahead or counts != before else moved
        if now - moved > PATIENCE_SECONDS or now - began > LONGEST_SECONDS:
            return now - began, [f"{name}: {count} rows are still open" for name, count in counts.items()]
        for name, broker, client_id in stack.ask(LOGGED_OUT):
            _connect(by_name[name], stack.base, broker, client_id)
        for name, seconds in ahead:
            _advance(by_name[name], stack.base, seconds)
        before = counts
        time.sleep(LOOK_SECONDS)
    return time.monotonic() - began, []


def _connect(member: Member, base: str, broker: str, client_id: str) -> None:
    partner = member.on(base)
    made = partner.call("POST", "/gateway/{gateway}/transaction", {"intent": "CONNECT"})
    assert made.status == 200, made.body
    path = f"/sandbox/{{gateway}}/transactions/{made.data['transactionId']}/complete"
    answer = partner.call("POST", path, {"broker": broker, "clientId": client_id})
    assert answer.status == 200, answer.body


def _advance(member: Member, base: str, seconds: float) -> None:
    """To the next moment at which something is due, or past it."""
    body = {"advance": f"PT{max(int(seconds) + 1, STRIDE_SECONDS)}S"}
    answer = member.on(base).call("POST", "/sandbox/{gateway}/clock", body)
    assert answer.status == 200, answer.body


def investments(stack: Stack, members: Sequence[Member]) -> list[str]:
    """The investments that the gateway cannot return, although no fault is left."""
    question = """
        SELECT DISTINCT g.name, a.auth_id FROM smallcases_investment i
        JOIN gateway_account a ON a.id = i.account_id JOIN gateway_gateway g ON g.id = i.gateway_id
    """
    by_name = {member.name: member for member in members}
    untold = []
    for name, auth_id in stack.ask(question):
        try:
            path = "/v1/{gateway}/engine/user/investments"
            answer = by_name[name].on(stack.base).call("GET", path, auth_id=auth_id)
        except requests.RequestException as error:
            untold.append(f"{auth_id}: {error}")
            continue
        if answer.status != 200:
            untold.append(f"{auth_id}: {answer.status} {answer.body}")
    return untold
