"""Hot statements about transactions, batches and orders, as plain SQL."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import TypeAlias

from brokers.models import Instrument
from gateway.database.rows import Only, RowReader, ValuesOf, insert_row_where, locking
from gateway.models import Account, Gateway
from gateway.queue.sql import is_due
from transactions.models import Batch, Order, Transaction

Link: TypeAlias = tuple[int, str]  # a gateway's key and a broker
Clock: TypeAlias = tuple[int | None, datetime]  # gateway.partners.clock.clocks
MOST_OF_A_SET = 256
# What a partner sees of a batch and its orders.
_SHOWN_BATCH = Only(
    Batch, "batch_id", "variety", "label", "original_label", "iscid", "version", "status", "completed_at"
)
_SHOWN_ORDER = Only(
    Order,
    *("batch", "ticker", "side", "quantity", "order_type", "validity", "price", "trigger_price", "status"),
    *("filled_quantity", "average_price", "exchange_order_id", "slices", "error_code", "status_message", "ordered_at"),
    "traded_on",
)
_TRANSACTION_AND_BATCH = RowReader(
    t=Transaction, a=Only(Account, "auth_id", "broker", key="t.account_id"), b=_SHOWN_BATCH
)
_ORDER = RowReader(o=Order)
_ORDERS_OF = "FROM transactions_order o WHERE o.batch_id IN %s ORDER BY o.batch_id, o.position"
_ORDER_AS_SHOWN = RowReader(o=_SHOWN_ORDER)
_FILLED_ORDER = RowReader(
    b=ValuesOf(Batch, "account", "broker"),
    i=ValuesOf(Instrument, "charge_class"),
    o=Only(Order, "batch", "ticker", "side", "filled_quantity", "average_price", "ordered_at", "traded_on"),
)
_PLACED_BATCH = RowReader(
    b=_SHOWN_BATCH,
    t=Only(Transaction, "transaction_id", "notes", key="b.transaction_id"),
    a=Only(Account, "broker", key="b.account_id"),
)
_COMPLETED = (
    "SELECT t.id FROM transactions_transaction t"
    " WHERE t.transaction_id IN %s AND t.intent = 'TRANSACTION' AND t.status = 'COMPLETED'"
)
_DUE_BATCH = RowReader(b=ValuesOf(Batch, "id", "gateway", "broker"))
_FOUND = "WHERE l.gateway_id IS NOT NULL"
_BEYOND = "(b.gateway_id, b.broker) > (l.gateway_id, l.broker)"
_BY_LINK = "ORDER BY b.gateway_id, b.broker, b.due_at"
_BATCH_KEY = RowReader(b=ValuesOf(Batch, "id"))
_LINK = RowReader(l=ValuesOf(Batch, "gateway", "broker"))
_CLAIMED_BATCH = RowReader(b=Only(Batch, "attempts", "leased_until"))
_BATCH = RowReader(b=Batch, g=Gateway, t=Transaction, a=Account)
_TOKEN = RowReader(b=ValuesOf(Batch, "id", "attempts"))
_LAST_BATCH = RowReader(b=Batch)


def insert_if_tradable(transaction: Transaction, symbols: Collection[str]) -> bool:
    """The new transaction, if each of these different instruments can be traded; else nothing is written."""
    condition = "(SELECT COUNT(*) FROM brokers_instrument WHERE symbol IN %s AND tradable) = %s"
    return insert_row_where(transaction, condition, tuple(symbols), len(symbols))


def transaction_and_batch(gateway: int, transaction_id: str) -> tuple[Transaction | None, Batch | None]:
    """With its account, and with its batch if it was confirmed; of both what partners see."""
    rows = _TRANSACTION_AND_BATCH.select(
        "FROM transactions_transaction t LEFT JOIN transactions_batch b ON b.transaction_id = t.id"
        " WHERE t.gateway_id = %s AND t.transaction_id = %s",
        gateway,
        transaction_id,
    )
    for transaction, transaction.account, batch in rows:
        if batch:
            batch.transaction = transaction
        return transaction, batch
    return None, None


def orders_of(batches: Collection[int]) -> list[Order]:
    """Batch by batch, each in the basket's order."""
    return _ORDER.select_each(_ORDERS_OF, tuple(batches))


def shown_orders_of(batches: Collection[int]) -> list[Order]:
    """As orders_of; of each what partners see."""
    return _ORDER_AS_SHOWN.select_each(_ORDERS_OF, tuple(batches))


def filled_orders_beside(
    *,
    orders: Collection[int],
    batches: Collection[int],
    tickers: Collection[str],
    confirmed: tuple[datetime, datetime],
) -> list[tuple[int, str, str | None, Order]]:
    """`orders`, and orders of the same accounts in `tickers` that have filled and whose batches were made in a period.

    Each with its account, its broker and the charge class of its instrument, if that is known. `batches`: those of
    `orders`. In the order of their keys.
    """
    return _FILLED_ORDER.select(
        "FROM transactions_batch b JOIN transactions_order o ON o.batch_id = b.id"
        " LEFT JOIN brokers_instrument i ON i.symbol = o.ticker"
        " WHERE b.account_id IN (SELECT account_id FROM transactions_batch WHERE id IN %s)"
        " AND (b.id IN %s OR (b.created_at >= %s AND b.created_at < %s))"
        " AND o.ticker IN %s AND (o.filled_quantity > 0 OR o.id IN %s) ORDER BY o.id",
        *(tuple(batches), tuple(batches), *confirmed, tuple(tickers), tuple(orders)),
    )


def placed_batches(
    *,
    gateway: int,
    account: int | None,
    of_smallcases: bool,
    transaction_ids: Collection[str],
    batch_ids: Collection[str],
    iscids: Collection[str],
    page: range,
) -> list[Batch]:
    """Newest first, each with its transaction and account, of all what partners see.

    Batches named by any of the ids, or all where there is no id.

    By its transaction a batch is found once that is COMPLETED.
    """
    names = {
        f"b.transaction_id IN ({_COMPLETED})": transaction_ids,
        "b.batch_id IN %s": batch_ids,
        "b.iscid IN %s": iscids,
    }
    named = {condition: tuple(ids) for condition, ids in names.items() if ids}
    any_of = f" AND ({' OR '.join(named)})" if named else ""
    accounts = [account] if account is not None else []
    rows = _PLACED_BATCH.select(
        "FROM transactions_batch b WHERE b.gateway_id = %s AND b.placed_at IS NOT NULL"
        f" AND b.label IS {'NOT ' * of_smallcases}NULL{' AND b.account_id = %s' * len(accounts)}{any_of}"
        " ORDER BY b.id DESC LIMIT %s OFFSET %s",
        *(gateway, *accounts, *named.values(), len(page), page.start),
    )
    for batch, batch.transaction, batch.account in rows:
        batch.transaction.account = batch.account
    return [batch for batch, *_ in rows]


def due_batches(*, is_queued: bool, clocks: Iterable[Clock], limit: int) -> list[tuple[int, Link]]:
    """Key and link, the longest due first; nobody is kept from any. `is_queued`: not placed yet."""
    due, moments = is_due("b", clocks)
    rows = _DUE_BATCH.select(
        f"FROM transactions_batch b WHERE {_kind('b', is_queued)} AND {due} ORDER BY b.due_at LIMIT %s", *moments, limit
    )
    return [(pk, (gateway, broker)) for pk, gateway, broker in rows]


def due_links(*, is_queued: bool, clocks: Iterable[Clock]) -> list[Link]:
    """The links of all due batches. Steps from link to link in an index: many batches of a link cost no more.

    Conditions and order fit no other index: the planner cannot know how many batches have just fallen due.
    """
    (_, wall), *ahead = clocks
    free = f"{_kind('b', is_queued)} AND b.leased_until <= %s"
    own = "CASE l.gateway_id" + " WHEN %s THEN %s" * len(ahead) + " ELSE %s END" if ahead else "%s"
    steps = ["SELECT", _earliest(free), "UNION ALL SELECT", _earliest(f"{free} AND {_BEYOND}"), "FROM l", _FOUND]
    links = ["FROM (WITH RECURSIVE l (gateway_id, broker, due_at) AS (", *steps, ") SELECT * FROM l) l"]
    return _LINK.select(
        " ".join([*links, "WHERE l.due_at <=", own]),
        *[wall] * 6,
        *(value for clock in ahead for value in clock),
        wall,
    )


def _earliest(condition: str) -> str:
    """Three columns of the first link's batch that is due first; NULL after the last link."""
    return ", ".join(
        " ".join(["(SELECT", name, "FROM transactions_batch b WHERE", condition, _BY_LINK, "LIMIT 1)"])
        for name in ("b.gateway_id", "b.broker", "b.due_at")
    )


def due_batches_of(link: Link, *, is_queued: bool, now: datetime, wall: datetime, limit: int) -> list[int]:
    """Keys, the longest due first; `now` by the clock of the link's gateway."""
    return _BATCH_KEY.select_each(
        f"FROM transactions_batch b WHERE {_kind('b', is_queued)} AND (b.gateway_id, b.broker) >= (%s, %s)"
        " AND (b.gateway_id, b.broker, b.due_at) <= (%s, %s, %s) AND b.leased_until <= %s"
        f" {_BY_LINK} LIMIT %s",
        *(*link, *link, now, wall, limit),
    )


def _kind(alias: str, is_queued: bool) -> str:
    """In the words of the indexes' conditions."""
    return f"{'' if is_queued else 'NOT '}({alias}.status = 'QUEUED') AND {alias}.due_at IS NOT NULL"


def with_open_batches_of_their_accounts(keys: Collection[int]) -> list[int]:
    """These batches, and others of their accounts that are polled: one order book answers for all."""
    return _BATCH_KEY.select_each(
        "FROM transactions_batch b JOIN transactions_batch o ON o.account_id = b.account_id"
        f" WHERE o.id IN %s AND {_kind('b', is_queued=False)} GROUP BY b.id ORDER BY b.id LIMIT %s",
        tuple(keys),
        MOST_OF_A_SET,
    )


def claimable_batches(keys: Collection[int], *, is_queued: bool, wall: datetime) -> list[Batch]:
    """Those of them that are still pending, locked; a row that another has locked or leased is skipped."""
    return _CLAIMED_BATCH.select_each(
        "FROM transactions_batch b WHERE b.id IN %s AND (b.status = 'QUEUED') = %s AND b.due_at IS NOT NULL"
        f" AND b.leased_until <= %s ORDER BY b.id {locking('FOR UPDATE SKIP LOCKED')}",
        tuple(keys),
        is_queued,
        wall,
    )


def batches_of(keys: Collection[int]) -> list[Batch]:
    """In the order of their keys, each with gateway, account and transaction."""
    rows = _BATCH.select(
        "FROM transactions_batch b JOIN gateway_gateway g ON g.id = b.gateway_id"
        " JOIN transactions_transaction t ON t.id = b.transaction_id JOIN gateway_account a ON a.id = b.account_id"
        " WHERE b.id IN %s ORDER BY b.id",
        tuple(keys),
    )
    for batch, batch.gateway, batch.transaction, batch.account in rows:
        batch.transaction.account, batch.transaction.gateway = batch.account, batch.gateway
        batch.account.gateway = batch.gateway
    return [batch for batch, *_ in rows]


def fencing_tokens(batches: Collection[int]) -> dict[int, int]:
    """By key, locked in the order of the keys until the transaction ends."""
    return dict(
        _TOKEN.select(
            f"FROM transactions_batch b WHERE b.id IN %s ORDER BY b.id {locking('FOR NO KEY UPDATE')}", tuple(batches)
        )
    )


def last_batches(iscids: Collection[str]) -> list[Batch]:
    """The newest batch of each investment."""
    return _LAST_BATCH.select_each(
        "FROM transactions_batch b WHERE b.iscid IN %s"
        " AND NOT EXISTS (SELECT 1 FROM transactions_batch n WHERE n.iscid = b.iscid AND n.id > b.id)",
        tuple(iscids),
    )
