"""Hot statements about partners and their users, as plain SQL."""

from datetime import timedelta

from gateway.database.rows import RowReader, ValuesOf
from gateway.models import Account, Gateway

_GATEWAY = RowReader(g=Gateway)
_ACCOUNT_AND_GATEWAY = RowReader(a=Account, g=Gateway)
_OFFSET = RowReader(g=ValuesOf(Gateway, "id", "clock_offset"))


def gateway_named(name: str) -> Gateway | None:
    return next(iter(_GATEWAY.select_each("FROM gateway_gateway g WHERE g.name = %s", name)), None)


def account_at(gateway: str, auth_id: str) -> Account | None:
    """With its gateway, which has this name."""
    rows: list[tuple[Account, Gateway]] = _ACCOUNT_AND_GATEWAY.select(
        "FROM gateway_account a JOIN gateway_gateway g ON g.id = a.gateway_id WHERE a.auth_id = %s AND g.name = %s",
        auth_id,
        gateway,
    )
    for account, its_gateway in rows:
        account.gateway = its_gateway
        return account
    return None


def clock_offsets() -> list[tuple[int, timedelta]]:
    """Key and offset of each gateway whose clock is ahead of real time."""
    return _OFFSET.select("FROM gateway_gateway g WHERE g.clock_offset > %s", timedelta(0))
