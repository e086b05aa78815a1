"""Creates smallcases with their first version from a file. A file never changes a published version."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.contrib.auth import get_user_model
from django.db.transaction import atomic

from brokers.market.hours import OPENS
from brokers.market.instrument_files import Reject
from brokers.models import Instrument
from gateway.audit.trail import Actor
from gateway.values.timestamps import IST
from smallcases.catalogue.selectors import weights_of
from smallcases.catalogue.smallcase_files import CatalogueNames, Draft
from smallcases.models import Constituent, Smallcase, Version

FIRST_LABEL: Final = "First version"
# The fields that a file updates in an existing smallcase. Its risk label is computed (daily_index).
KEPT_UP_TO_DATE: Final = (
    "name",
    "short_description",
    "rationale",
    "publisher",
    "manager",
    "kind",
    "schedule",
    "benchmark",
    "image_url",
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The number of `new` and already `known` smallcases. If there are `refusals`, nothing was loaded."""

    new: int = 0
    known: int = 0
    refusals: Sequence[Reject] = ()


def known_to_files(*, now: datetime) -> CatalogueNames:
    return CatalogueNames(
        tradable=dict(Instrument.objects.values_list("symbol", "tradable")),
        managers=set(get_user_model().objects.filter(is_active=True).values_list("username", flat=True)),
        today=now.astimezone(IST).date(),
    )


def load_catalogue(drafts: Sequence[Draft], *, by: Actor | None = None) -> Loaded:
    """Creates missing smallcases with version 1 and updates texts: all or nothing. Twice is safe."""
    with atomic(durable=True):
        there = _versions([draft.scid for draft in drafts])
        refusals = [Reject(draft.line, why) for draft in drafts if (why := _refusal(draft, there.get(draft.scid)))]
        if refusals:
            return Loaded(refusals=refusals)
        new = [draft for draft in drafts if draft.scid not in there]
        _write(drafts, new)
        if by and drafts:
            loaded = {
                "new": [draft.scid for draft in new],
                "known": [draft.scid for draft in drafts if draft.scid in there],
            }
            by.record("load smallcases", f"{len(drafts)} smallcases", after=loaded)
    return Loaded(new=len(new), known=len(drafts) - len(new))


def _versions(scids: Collection[str]) -> dict[str, list[Version]]:
    """The versions of existing smallcases by scid, newest first."""
    rows = Version.objects.filter(smallcase__scid__in=scids).select_related("smallcase")
    there: dict[str, list[Version]] = {}
    for version in rows.prefetch_related("constituents__instrument").order_by("-number"):
        there.setdefault(version.smallcase.scid, []).append(version)
    return there


def _refusal(draft: Draft, versions: Sequence[Version] | None) -> str | None:
    if versions is None:
        return None
    if draft.launched_on != versions[0].smallcase.launched_on:
        return f"{draft.scid}: launched_on is {versions[0].smallcase.launched_on} and cannot be changed."
    given = _given(draft)
    if not any(weights_of(version) == given for version in versions):
        newest = versions[0].number
        return f"{draft.scid}: the constituents differ from version {newest}; publish them with publish_rebalance."
    return None


def _given(draft: Draft) -> Mapping[str, Decimal]:
    return {constituent.ticker: constituent.weight for constituent in draft.constituents}


def _write(drafts: Sequence[Draft], new: Sequence[Draft]) -> None:
    tickers = {draft.benchmark for draft in drafts} | {ticker for draft in new for ticker in _given(draft)}
    instruments = dict(Instrument.objects.filter(symbol__in=tickers).values_list("symbol", "pk"))
    managers = dict(
        get_user_model().objects.filter(username__in={draft.manager for draft in drafts}).values_list("username", "pk")
    )
    Smallcase.objects.bulk_create(
        [_smallcase(draft, instruments, managers) for draft in drafts],
        update_conflicts=True,
        unique_fields=["scid"],
        update_fields=KEPT_UP_TO_DATE,
    )
    made = Smallcase.objects.in_bulk([draft.scid for draft in new], field_name="scid")
    versions = Version.objects.bulk_create(_first_version(made[draft.scid]) for draft in new)
    Constituent.objects.bulk_create(
        Constituent(version=version, instrument_id=instruments[ticker], weight=weight)
        for version, draft in zip(versions, new, strict=True)
        for ticker, weight in _given(draft).items()
    )


def _smallcase(draft: Draft, instruments: Mapping[str, int], managers: Mapping[str, int]) -> Smallcase:
    return Smallcase(
        scid=draft.scid,
        benchmark_id=instruments[draft.benchmark],
        launched_on=draft.launched_on,
        manager_id=managers.get(draft.manager),
        **draft.texts,
    )


def _first_version(smallcase: Smallcase) -> Version:
    opened = datetime.combine(smallcase.launched_on, OPENS, tzinfo=IST)
    return Version(smallcase=smallcase, number=1, label=FIRST_LABEL, published_at=opened)
