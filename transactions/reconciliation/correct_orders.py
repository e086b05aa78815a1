"""Support's corrections of orders: propose, approve, apply, undo. Each correction is a version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import F
from django.db.transaction import atomic

from brokers.market.quotes import quotes
from gateway.audit.trail import Actor
from gateway.values.errors import Conflict, Invalid
from gateway.values.money import rupees
from smallcases.models import Investment
from transactions.domain.corrections import (
    CorrectedOutcome,
    as_kept,
    broker_confirms,
    corrected,
    from_kept,
    is_overturned,
)
from transactions.domain.order_reports import OrderState
from transactions.domain.report_log import last_report
from transactions.domain.statuses import BatchStatus
from transactions.execution.read_batches import read_one
from transactions.execution.record_updates import apply_state, count, record_correction, state_of
from transactions.models import Batch, CorrectionState, Order, OrderCorrection
from transactions.reconciliation.correction_impact import CorrectionImpact, impact_of

LONGEST_REASON = 500
MAY_CORRECT = "transactions.reconcile_order"


class OrderChanged(Conflict):
    """The order has changed since the correction was proposed or displayed."""


class OwnCorrection(Conflict):
    """A person cannot approve their own proposal."""


class NotOpen(Conflict):
    """This proposal was already decided."""


class NotInForce(Conflict):
    """Only the applied correction of an order can be undone."""


class AlreadyProposed(Conflict):
    """Another correction of this order waits for approval."""


@dataclass(frozen=True, slots=True)
class CorrectedBy:
    actor: Actor
    reason: str
    from_tradebook: bool = False

    @property
    def by(self) -> User:
        return person(self.actor)


def person(actor: Actor) -> User:
    """The actor's user, who is responsible for the correction. Raises Invalid without one."""
    if actor.user is None:
        raise Invalid("by: name the person who corrects the order.")
    return actor.user


def preview(*, order: Order, outcome: CorrectedOutcome, now: datetime) -> CorrectionImpact:
    """The impact of the correction; nothing is written. Raises the same errors as `correct_order`."""
    batch, orders = read_one(order.batch_id)
    (mine,) = (one for one in orders if one.pk == order.pk)
    return impact_of(batch, orders, {mine.pk: corrected(state_of(mine), outcome)}, now=now)


def preview_undo(*, correction: OrderCorrection, now: datetime) -> CorrectionImpact:
    batch, orders = read_one(correction.order.batch_id)
    return _undone(batch, orders, correction, now)


def correct_order(
    *,
    batch: Batch,
    outcomes: Mapping[int, CorrectedOutcome],
    seen: Mapping[int, OrderState],
    corrected_by: CorrectedBy,
    now: datetime,
) -> list[OrderCorrection]:
    """Corrects orders of one batch, by primary key. `seen` are the states that the person has seen.

    Corrections that need no second person are applied together, with one webhook; the others are proposed. Twice is
    safe: the second call finds a changed order. Raises OrderChanged, AlreadyProposed, and the errors of `corrected` and
    `impact_of`.
    """
    _check_reason(corrected_by.reason)
    with atomic(durable=True):
        return correct_order_within(batch=batch, outcomes=outcomes, seen=seen, corrected_by=corrected_by, now=now)


def correct_order_within(
    *,
    batch: Batch,
    outcomes: Mapping[int, CorrectedOutcome],
    seen: Mapping[int, OrderState],
    corrected_by: CorrectedBy,
    now: datetime,
) -> list[OrderCorrection]:
    """As `correct_order`, in the caller's database transaction."""
    held, orders = _hold(batch.pk)
    wanted = [order for order in orders if order.pk in outcomes]
    for order in wanted:
        if as_kept(state_of(order)) != as_kept(seen[order.pk]):
            raise OrderChanged(f"{order.ticker}: the order is now {order.status}, with {order.filled_quantity} filled.")
    after = {order.pk: corrected(state_of(order), outcomes[order.pk]) for order in wanted}
    impact = impact_of(held, orders, after, now=now)
    made = [_proposed(order, impact, corrected_by, now) for order in wanted]
    at_once = [one for one in made if not one.needs_approval]
    if at_once:
        _apply(held, orders, at_once, actor=corrected_by.actor, now=now)
    _record_proposals(made, corrected_by)
    return made


def approve(*, correction: OrderCorrection, actor: Actor, now: datetime) -> OrderCorrection:
    """Applies another person's proposal, if the order has not changed. Raises OwnCorrection, OrderChanged, NotOpen."""
    with atomic(durable=True):
        held, orders, waiting = _waiting(correction)
        if waiting.proposed_by_id == person(actor).pk:
            raise OwnCorrection("You cannot approve your own proposal. Ask another person to approve it.")
        is_superseded = waiting.undoes_id is not None and waiting.order.active_correction_id != waiting.undoes_id
        is_moved = is_superseded or as_kept(state_of(waiting.order)) != waiting.before
        _decide(waiting, CorrectionState.OUTDATED if is_moved else CorrectionState.PROPOSED, actor, now)
        if not is_moved:
            _apply(held, orders, [waiting], actor=actor, now=now)
    if is_moved:
        raise OrderChanged("The order has changed since this was proposed. Check the order and propose again.")
    return waiting


def decline(*, correction: OrderCorrection, actor: Actor, note: str, now: datetime) -> None:
    """Declines a proposal; its proposer withdraws it in this way. Raises NotOpen."""
    _check_reason(note)
    with atomic(durable=True):
        *_, waiting = _waiting(correction)
        waiting.note = note
        _decide(waiting, CorrectionState.DECLINED, actor, now)
        _record_in_trail(waiting, "decline correction", actor, reason=note)


def undo(*, correction: OrderCorrection, corrected_by: CorrectedBy, now: datetime) -> OrderCorrection:
    """Restores the previous outcome, as a new version; needs approval if the correction did. Raises NotInForce."""
    _check_reason(corrected_by.reason)
    with atomic(durable=True):
        held, orders = _hold(correction.order.batch_id)
        (order,) = (one for one in orders if one.pk == correction.order_id)
        if order.active_correction is None or order.active_correction_id != correction.pk:
            raise NotInForce("This correction is not the applied correction of the order.")
        impact = _undone(held, orders, order.active_correction, now)
        made = _proposed(order, impact, corrected_by, now, undoes=order.active_correction)
        if not made.needs_approval:
            _apply(held, orders, [made], actor=corrected_by.actor, now=now)
        _record_proposals([made], corrected_by)
    return made


def _hold(batch: int) -> tuple[Batch, list[Order]]:
    """Locks the batch and its investment until the transaction ends, so that fills do not change meanwhile.

    Same lock order as the workers: the batch before its investment.
    """
    iscid = Batch.objects.select_for_update(no_key=True).get(pk=batch).iscid
    if iscid:
        list(Investment.objects.select_for_update(no_key=True).filter(iscid=iscid).values_list("pk"))
    return read_one(batch)


def _waiting(correction: OrderCorrection) -> tuple[Batch, list[Order], OrderCorrection]:
    held, orders = _hold(correction.order.batch_id)
    found = OrderCorrection.objects.select_related("undoes", "proposed_by").filter(
        pk=correction.pk, state=CorrectionState.PROPOSED
    )
    waiting = found.first()
    if waiting is None:
        raise NotOpen("This proposal was already decided.")
    (waiting.order,) = (one for one in orders if one.pk == waiting.order_id)
    return held, orders, waiting


def _amount_at_stake(order: Order, before: OrderState, after: OrderState) -> Decimal | None:
    """The amount at stake in rupees: the whole order at the highest known price; None without a price.

    The corrected price alone is not enough: a person who types a low price would avoid the second approval.
    """
    quote = quotes(order.batch.gateway_id, [order.ticker]).get(order.ticker)
    said = (after.average_price, before.average_price, order.price, quote and quote.reference)
    prices = [price for price in said if price]
    return rupees(order.quantity * max(prices)) if prices else None


def _check_reason(reason: str) -> None:
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise Invalid(f"reason: is required, with at most {LONGEST_REASON} characters.")


def _proposed(
    order: Order,
    impact: CorrectionImpact,
    corrected_by: CorrectedBy,
    now: datetime,
    *,
    undoes: OrderCorrection | None = None,
) -> OrderCorrection:
    _check_none_waits(order)
    before, after = impact.before[order.pk], impact.after[order.pk]
    amount = _amount_at_stake(order, before, after)
    earlier = list(OrderCorrection.objects.filter(order=order).values_list("state", flat=True))
    # To undo and correct again also overturns a final order, in two steps.
    overturned = is_overturned(before) or CorrectionState.UNDONE in earlier
    overturns = overturned if undoes is None else undoes.needs_approval
    is_much = amount is None or amount > settings.RECONCILE_FOUR_EYES_ABOVE
    return OrderCorrection.objects.create(
        order=order,
        version=len(earlier) + 1,
        undoes=undoes,
        before=as_kept(before),
        after=as_kept(after),
        batch_before=impact.status_before,
        batch_after=impact.status_after,
        completed_before=impact.completed_before,
        completed_after=impact.completed_after,
        amount=amount or 0,
        needs_approval=overturns or is_much,
        from_tradebook=corrected_by.from_tradebook,
        reason=corrected_by.reason,
        proposed_by=corrected_by.by,
        proposed_at=now,
    )


def _check_none_waits(order: Order) -> None:
    """Raises AlreadyProposed; a proposal whose order has changed becomes OUTDATED instead."""
    waiting = OrderCorrection.objects.filter(order=order, state=CorrectionState.PROPOSED).first()
    if waiting is None:
        return
    if as_kept(state_of(order)) == waiting.before:
        raise AlreadyProposed(f"{order.ticker}: another correction of this order waits for approval.")
    waiting.state = CorrectionState.OUTDATED
    waiting.save(update_fields=["state"])


def _undone(batch: Batch, orders: Sequence[Order], correction: OrderCorrection, now: datetime) -> CorrectionImpact:
    after = {correction.order_id: from_kept(correction.before)}
    return impact_of(batch, orders, after, restores=BatchStatus(correction.batch_before), now=now)


def _apply(
    batch: Batch, orders: Sequence[Order], chosen: Sequence[OrderCorrection], *, actor: Actor, now: datetime
) -> None:
    """Writes the corrections. The fencing token changes, so a worker with an older broker answer writes nothing."""
    impact = _impact(batch, orders, chosen, now)
    Batch.objects.filter(pk=batch.pk).update(attempts=F("attempts") + 1)
    batch.attempts += 1
    by_order = {one.order_id: one for one in chosen}
    changed = [order for order in orders if order.pk in by_order]
    for order in changed:
        apply_state(order, impact.after[order.pk])
        _stand_on(order, by_order[order.pk])
    if not record_correction(batch, orders, changed=changed, status=impact.status_after, now=now):
        raise OrderChanged("Another worker has taken the batch. Try again.")
    for one in chosen:
        _applied(one, impact, now)
        _record_in_trail(one, "undo correction" if one.undoes_id else "correct order", actor, reason=one.reason)
    count(ended=[order.status for order in changed if by_order[order.pk].undoes_id is None])


def _impact(
    batch: Batch, orders: Sequence[Order], chosen: Sequence[OrderCorrection], now: datetime
) -> CorrectionImpact:
    if chosen[0].undoes is not None:
        return _undone(batch, orders, chosen[0].undoes, now)
    return impact_of(batch, orders, {one.order_id: from_kept(one.after) for one in chosen}, now=now)


def _stand_on(order: Order, chosen: OrderCorrection) -> None:
    """Sets the order's applied correction. After an undo it is the previous correction, or none."""
    if chosen.undoes is None:
        report = last_report(order.report_log, ref=order.ref)
        chosen.broker_confirms = broker_confirms(state_of(order), report) if report else None
        order.active_correction = chosen
        return
    standing = OrderCorrection.objects.filter(order=order, state=CorrectionState.APPLIED, undoes=None)
    order.active_correction = standing.filter(version__lt=chosen.undoes.version).order_by("-version").first()


def _applied(one: OrderCorrection, impact: CorrectionImpact, now: datetime) -> None:
    one.state, one.applied_at = CorrectionState.APPLIED, now
    one.batch_before, one.batch_after = impact.status_before, impact.status_after
    one.completed_before, one.completed_after = impact.completed_before, impact.completed_after
    one.save()
    if one.undoes is not None:
        OrderCorrection.objects.filter(pk=one.undoes.pk).update(state=CorrectionState.UNDONE)


def _decide(one: OrderCorrection, state: CorrectionState, actor: Actor, now: datetime) -> None:
    one.state, one.decided_by, one.decided_at = state, person(actor), now
    one.save(update_fields=["state", "decided_by", "decided_at", "note"])


def _record_proposals(made: Sequence[OrderCorrection], corrected_by: CorrectedBy) -> None:
    """Called after `_apply`, which locks the investment: the audit trail's lock is always the last."""
    for one in made:
        if one.needs_approval:
            _record_in_trail(one, "propose correction", corrected_by.actor, reason=corrected_by.reason)


def _record_in_trail(one: OrderCorrection, act: str, actor: Actor, *, reason: str) -> None:
    after = {**one.after, "batch": one.batch_after, "correction": one.version, "proposed_by": one.proposed_by_id}
    actor.record(
        act, f"order {one.order.ref}", before={**one.before, "batch": one.batch_before}, after=after, reason=reason
    )
