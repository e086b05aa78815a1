"""How far a rebalance has come."""

import pytest

from smallcases.catalogue.selectors import versions_of
from smallcases.models import Investment, RebalanceNotice, Version
from smallcases.rebalancing.adoption import adoption_of, progress_of
from tests import make
from tests.smallcases import shelf
from tests.smallcases.counting import at_most

pytestmark = pytest.mark.usefixtures("instruments")


@pytest.fixture
def version(db: None) -> Version:
    """Rebalanced, with three investments of one gateway and two of another; told to nobody yet."""
    known = shelf.smallcase()
    for number in (3, 2):
        shelf.investments(known, make.gateway(), how_many=number)
    shelf.published(known)
    return versions_of(known)[0]


def test_counts_investors_still_to_be_notified(version: Version) -> None:
    with at_most(1):
        progress = progress_of(version, at_most=100)

    assert (progress.notified, progress.left, progress.whole, progress.is_done) == (0, 5, 5, False)


def test_goes_on_gateway_by_gateway(version: Version) -> None:
    first = RebalanceNotice.objects.order_by("pk")[0]
    theirs = Investment.objects.filter(gateway=first.gateway).order_by("pk")
    RebalanceNotice.objects.filter(pk=first.pk).update(notified=2, notified_up_to=theirs[1].pk)

    progress = progress_of(versions_of(version.smallcase)[0], at_most=100)

    assert (progress.notified, progress.left) == (2, 3)


def test_stops_counting(version: Version) -> None:
    assert progress_of(version, at_most=2).left == 2
    assert adoption_of(version, at_most=2).live == 2


def test_is_done_when_nothing_is_due(version: Version) -> None:
    RebalanceNotice.objects.update(due_at=None, notified=1)
    fresh = versions_of(version.smallcase)[0]
    list(fresh.notices.all())

    with at_most(0):
        progress = progress_of(fresh, at_most=100)

    assert (progress.notified, progress.left, progress.is_done) == (2, 0, True)


def test_shows_the_adoption_of_each_version(version: Version) -> None:
    Investment.objects.filter(pk=Investment.objects.latest("pk").pk).update(version=version)

    adoption = adoption_of(version, at_most=100)

    assert (adoption.live, adoption.adopted, adoption.percent) == (5, 1, 20)


def test_says_nothing_of_nobody(db: None) -> None:
    known = shelf.smallcase()
    shelf.published(known)
    newest = versions_of(known)[0]

    assert (adoption_of(newest, at_most=9).percent, progress_of(newest, at_most=9).is_done) == (0, True)
