"""Response bodies of investments, exited smallcases and holdings."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from gateway.values.money import number, wire_amount, wire_price
from gateway.values.timestamps import timestamp, timestamp_or_null
from smallcases.models import Version
from smallcases.portfolio import ledger
from smallcases.portfolio.sold_lots import SoldLot
from smallcases.sips.sip_changes import sip_action
from transactions.api.payloads import charges, fix_action
from transactions.domain.smallcase_order import OrderKind
from transactions.models import HoldingsSnapshot
from transactions.queries.order_context import LastBatch
from transactions.queries.statement import Statement
from transactions.queries.user_portfolio import Held

Wire = dict[str, Any]
AGGREGATED: Final = (
    *("currentInvestment", "currentReturns", "networth", "totalReturns"),
    *("currentReturnsPercent", "totalReturnsPercent"),
)


def investment(held: Held) -> Wire:
    return {"investment": _investment(held), "actions": actions(held)}


def aggregated(of: Sequence[Held], *, has_invested: bool) -> Wire:
    """All investments and their sum: with all keys, and under `aggregated` as smallcase Gateway documents it.

    `has_invested`: whether the user has or had any investment. Without one `aggregated` is an empty list.
    """
    total = _returns([one.returns for one in of])
    return {
        "investments": [investment(one) for one in of],
        "aggregatedData": total,
        "aggregated": {name: total[name] for name in AGGREGATED} if has_invested else [],
    }


def exited(held: Held) -> Wire:
    return _described(held) | {
        "exitedDate": timestamp_or_null(held.investment.exited_at),
        "returns": _returns([held.returns]),
    }


def actions(held: Held) -> Wire:
    """The possible actions. While an order is open, `buy` and `sell` are empty."""
    here, last = held.investment, held.last
    buys = [OrderKind.INVESTMORE, OrderKind.MANAGE]
    named = {"iscid": here.iscid, "scid": here.smallcase.scid, "name": here.smallcase.name}
    return {
        "rebalance": [named | _version(held.rebalance_to)] if held.rebalance_to else [],
        "sip": [sip_action(held.row.sip)] if held.row.sip and held.is_sip_due else [],
        "fix": [fix_action(last, here.smallcase, held.blocked)] if last and last.can_be_fixed else [],
        "buy": [] if held.is_order_open else [*buys, *([OrderKind.SIP] if held.is_sip_due else [])],
        "sell": [] if held.is_order_open else [OrderKind.EXIT, OrderKind.MANAGE],
        "reconnect": _reconnect(last) if last else [],
    }


def _reconnect(last: LastBatch) -> list[Wire]:
    """The open order that waits for a login of its user at the broker."""
    batch = last.batch
    if batch.session_ended_at is None or not last.is_open:
        return []
    return [{"broker": batch.broker, "batchIds": [batch.batch_id], "since": timestamp(batch.session_ended_at)}]


def _version(of: Version) -> Wire:
    return {"date": timestamp(of.published_at), "version": of.number, "label": of.label}


def holdings(snapshot: HoldingsSnapshot, held: Sequence[Held], *, version: str) -> Wire:
    """The last import and its shares in smallcases. v2 separates positions and sellable shares."""
    in_smallcases = _shares_in(held)
    v2 = (_security_v2(one, in_smallcases.get(one["ticker"], 0)) for one in snapshot.securities)
    return {
        "snapshotDate": timestamp(snapshot.taken_at),
        "securities": [_security_v1(one) for one in snapshot.securities] if version == "v1" else list(v2),
        "smallcases": [
            _described(one) | {"constituents": [{"ticker": t, "shares": p.shares} for t, p in one.positions.items()]}
            for one in held
        ],
    }


def statement(of: Statement) -> Wire:
    """Days in IST; rupees without charges."""
    return {
        "iscid": of.investment.iscid,
        "from": of.first.isoformat(),
        "to": of.last.isoformat(),
        "cashFlows": [
            {
                "date": flow.day.isoformat(),
                "amount": wire_amount(flow.amount),
                "label": flow.label,
                "batchId": flow.batch_id,
            }
            for flow in of.cash_flows
        ],
        "realised": [_sold_lot(lot) for lot in of.sold],
        "xirr": number(of.xirr),
        "charges": charges(of.charges),
    }


def _sold_lot(lot: SoldLot) -> Wire:
    return {
        "ticker": lot.ticker,
        "shares": lot.shares,
        "boughtAt": lot.bought_on.isoformat(),
        "soldAt": lot.sold_on.isoformat(),
        "daysHeld": lot.days_held,
        "cost": wire_amount(lot.cost),
        "proceeds": wire_amount(lot.proceeds),
        "gain": wire_amount(lot.gain),
    }


def _investment(held: Held) -> Wire:
    here, sip = held.investment, held.row.sip
    return _described(held) | {
        "version": here.version.number,
        "status": "VALID",
        "source": "PROFESSIONAL",
        "recommendedAction": "REBALANCE" if held.is_rebalance_pending else None,
        "deviated": here.is_customised,
        "stats": {"indexValue": number(held.returns.index_value)},
        "flags": {"amoPending": held.is_order_open and held.last is not None and held.last.batch.variety == "amo"},
        "returns": _returns([held.returns]),
        "currentConfig": {"constituents": _constituents(held)},
        "sip": sip_action(sip) | {"sipType": "manual"} if sip is not None and sip.is_active else None,
    }


def _described(held: Held) -> Wire:
    here = held.investment
    return {
        "iscid": here.iscid,
        "scid": here.smallcase.scid,
        "name": here.smallcase.name,
        "shortDescription": here.smallcase.short_description,
        "date": timestamp(here.created_at),
    }


def _constituents(held: Held) -> list[Wire]:
    """`weight` is a fraction of the current value, 0 to 1; `returns` are the unrealized returns in rupees."""
    networth = held.returns.networth
    return [
        {
            "ticker": ticker,
            "stockName": held.names[ticker],
            "shares": position.shares,
            "weight": round(float(held.prices[ticker] * position.shares / networth), 6),
            "averagePrice": wire_price(position.average_price),
            "returns": wire_amount((held.prices[ticker] - position.average_price) * position.shares),
        }
        for ticker, position in held.positions.items()
    ]


def _returns(of: Sequence[ledger.Returns]) -> Wire:
    """Rupees and percentages, summed over investments."""
    networth = sum((one.networth for one in of), Decimal(0))
    current = sum((one.current_investment for one in of), Decimal(0))
    realized = sum((one.realized_investment for one in of), Decimal(0))
    gained = sum((one.realized_returns for one in of), Decimal(0))
    total = networth - current + gained
    return {
        "networth": wire_amount(networth),
        "currentInvestment": wire_amount(current),
        "currentReturns": wire_amount(networth - current),
        "currentReturnsPercent": _percent(networth - current, current),
        "realizedInvestment": wire_amount(realized),
        "realizedReturns": wire_amount(gained),
        "totalReturns": wire_amount(total),
        "totalReturnsPercent": _percent(total, current + realized),
        "unrealizedInvestment": wire_amount(current),
    }


def _percent(gain: Decimal, base: Decimal) -> float | int | None:
    """With two decimals; None where nothing was invested."""
    return wire_amount(gain / base * 100) if base else None


def _shares_in(held: Sequence[Held]) -> dict[str, int]:
    shares: dict[str, int] = {}
    for one in held:
        for ticker, position in one.positions.items():
            shares[ticker] = shares.get(ticker, 0) + position.shares
    return shares


def _security_v1(security: Wire) -> Wire:
    return {name: security[name] for name in ("ticker", "shares", "averagePrice")}


def _security_v2(security: Wire, in_smallcases: int) -> Wire:
    """What was bought today is a position; older imports do not tell."""
    today = security.get("today", {"quantity": 0, "averagePrice": 0})
    held = security["shares"] - today["quantity"]
    return {
        "ticker": security["ticker"],
        "holdings": {"quantity": held, "averagePrice": security["averagePrice"]},
        "positions": {"nse": today},
        "transactableQuantity": security.get("sellable", security["shares"]),
        "smallcaseQuantity": min(in_smallcases, security["shares"]),
    }
