"""The live session of an account, decrypted. transactions.execution.broker_sessions starts and ends sessions."""

from brokers import sql
from brokers.models import BrokerSession
from brokers.ports.broker import LiveSession, SessionEnded
from gateway.database.encryption import decrypt
from gateway.models import Account


def session_of(account: Account) -> LiveSession:
    """The account's live session. Raises SessionEnded without one, InvalidToken if no key decrypts it."""
    row = sql.live_sessions([account.pk]).get(account.pk)
    if row is None:
        raise SessionEnded(f"The user of {account.broker} has to log in again.")
    return live_session(account, row)


def live_session(account: Account, row: BrokerSession) -> LiveSession:
    return LiveSession(
        gateway=account.gateway_id,
        broker=account.broker,
        client_id=account.client_id,
        token=decrypt(row.encrypted_token),
        ends_at=row.ends_at,
        started_at=row.started_at,
    )
