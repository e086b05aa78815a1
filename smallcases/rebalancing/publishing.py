"""Publishes a rebalance: a new version, and one announcement for each gateway with live investments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.contrib.auth.models import User
from django.db import IntegrityError
from django.db.models import Exists, OuterRef
from django.db.transaction import atomic

from gateway.audit.trail import Actor
from gateway.models import Gateway
from gateway.partners import clock
from gateway.queue import leases
from gateway.queue.enqueue import TaskName, enqueue
from gateway.values.errors import Conflict, Invalid
from smallcases.catalogue.selectors import instruments_of, live_investments, newest_version_of, weights_of
from smallcases.catalogue.smallcase_files import problems_of_version, storable
from smallcases.catalogue.weights import Weighted
from smallcases.models import Constituent, RebalanceNotice, Smallcase, Version

LONGEST_LABEL = 80


class AlreadyPublished(Conflict):
    """Somebody else has published a newer version, or the newest version has the same constituents."""


@dataclass(frozen=True, slots=True)
class PublicationRequest:
    """The version to publish. `on_top_of` None accepts any newest version."""

    constituents: Sequence[Weighted]
    label: str
    rationale: str
    on_top_of: int | None = None


def publish_rebalance(
    *,
    smallcase: Smallcase,
    constituents: Sequence[Weighted],
    label: str,
    rationale: str,
    by: User | None,
    now: datetime,
    on_top_of: int | None = None,
    actor: Actor | None = None,
) -> Version:
    """`by` is the version's author, `actor` the person who publishes it. `on_top_of` is the newest version that the
    manager has seen; raises AlreadyPublished if a newer version exists. Raises Invalid for a version with problems.

    The constraint on the version's number lets one of two concurrent calls succeed.
    """
    with atomic(durable=True):
        return publish_within(
            smallcase=smallcase,
            request=PublicationRequest(constituents, label, rationale, on_top_of),
            by=by,
            actor=actor,
            now=now,
        )


def publish_within(
    *, smallcase: Smallcase, request: PublicationRequest, by: User | None, actor: Actor | None, now: datetime
) -> Version:
    """As publish_rebalance, inside the caller's transaction. The audit entry is written last."""
    newest = newest_version_of(smallcase.scid)
    refuse_unpublishable(newest, request)
    version = _insert_version(
        Version(
            smallcase=smallcase,
            number=newest.number + 1,
            label=request.label,
            rationale=request.rationale,
            published_at=now,
            published_by=by,
        )
    )
    instruments = instruments_of([constituent.ticker for constituent in request.constituents])
    Constituent.objects.bulk_create(
        Constituent(version=version, instrument=instruments[constituent.ticker], weight=constituent.weight)
        for constituent in request.constituents
    )
    _announce(version, now)
    if actor:
        _record(actor, version, newest, request.constituents)
    return version


def refuse_unpublishable(newest: Version, request: PublicationRequest) -> None:
    """Raises Invalid for a version with problems, AlreadyPublished for a late one, Conflict if it is archived."""
    _refuse_wrong(request.constituents, request.label, request.rationale)
    _refuse_stale(newest, request.constituents, request.on_top_of)


def _record(actor: Actor, version: Version, newest: Version, constituents: Sequence[Weighted]) -> None:
    after = {"version": version.number, "label": version.label, "weights": _weights(constituents)}
    of_another = version.published_by is not None and version.published_by != actor.user
    actor.record(
        "publish rebalance",
        f"smallcase {version.smallcase.scid}",
        before={"version": newest.number, "weights": weights_of(newest)},
        after=after | ({"by": str(version.published_by)} if of_another else {}),
        reason=version.rationale,
    )


def _refuse_wrong(constituents: Sequence[Weighted], label: str, rationale: str) -> None:
    instruments = instruments_of({constituent.ticker for constituent in constituents})
    tradable = {ticker: instrument.tradable for ticker, instrument in instruments.items()}
    wrong = [problem.sentence for problem in problems_of_version(constituents, tradable)]
    if not 0 < len(label.strip()) <= LONGEST_LABEL:
        wrong.append(f"The label must have 1 to {LONGEST_LABEL} characters.")
    if not storable(label + rationale):
        wrong.append("Label or rationale contains a character that cannot be stored (NUL or a lone surrogate).")
    if wrong:
        raise Invalid(*wrong)


def _refuse_stale(newest: Version, constituents: Sequence[Weighted], on_top_of: int | None) -> None:
    if newest.smallcase.is_archived:
        raise Conflict(f"{newest.smallcase} is archived.")
    if on_top_of not in {None, newest.number}:
        raise AlreadyPublished(f"The newest version is {newest.number}, not {on_top_of}.")
    if _weights(constituents) == weights_of(newest):
        raise AlreadyPublished(f"Version {newest.number} already has these constituents.")


def _weights(constituents: Sequence[Weighted]) -> dict[str, Decimal]:
    return {constituent.ticker: constituent.weight for constituent in constituents}


def _insert_version(version: Version) -> Version:
    try:
        with atomic():
            version.save(force_insert=True)
    except IntegrityError:
        raise AlreadyPublished(f"Somebody else has just published version {version.number}.") from None
    return version


def _announce(version: Version, now: datetime) -> None:
    """One announcement for each gateway with live investments. No investment is read."""
    invested = live_investments(version.smallcase).filter(gateway=OuterRef("pk"))
    offered = leases.redispatch_at(clock.wall())
    notices = RebalanceNotice.objects.bulk_create(
        RebalanceNotice(version=version, gateway=gateway, due_at=now, leased_until=offered)
        for gateway in Gateway.objects.filter(Exists(invested))
    )
    for notice in notices:
        enqueue(TaskName.SEND_REBALANCE_NOTICE, row=notice.pk, attempt=0)
