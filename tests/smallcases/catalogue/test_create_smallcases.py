from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from smallcases.catalogue.create_smallcases import known_to_files, load_catalogue
from smallcases.models import Constituent, Smallcase, Version
from tests.smallcases import shelf

pytestmark = pytest.mark.usefixtures("instruments")


class TestLoadCatalogue:
    def test_makes_a_smallcase_with_its_first_version(self) -> None:
        meera = shelf.manager()

        loaded = load_catalogue([shelf.draft(manager="meera")])

        made = Smallcase.objects.get()
        version = Version.objects.get()
        assert (loaded.new, loaded.known, loaded.refusals) == (1, 0, ())
        assert (made.scid, made.name, made.benchmark.symbol, made.manager) == (
            "SCNM_0001",
            "Two Houses",
            "NIFTYBEES",
            meera,
        )
        assert (version.number, version.published_at) == (1, datetime(2026, 11, 2, 3, 45, tzinfo=UTC))
        assert dict(Constituent.objects.values_list("instrument__symbol", "weight")) == {"INFY": 60, "TCS": 40}

    def test_twice_changes_nothing(self) -> None:
        for _ in range(2):
            loaded = load_catalogue([shelf.draft()])

        assert (loaded.new, loaded.known) == (0, 1)
        assert Version.objects.count() == 1

    def test_brings_texts_up_to_date(self) -> None:
        shelf.smallcase()

        load_catalogue([shelf.draft(name="Two Palaces", benchmark="ITBEES")])

        assert Smallcase.objects.values_list("name", "benchmark__symbol").get() == ("Two Palaces", "ITBEES")

    def test_leaves_a_smallcase_alone_that_was_rebalanced_since(self) -> None:
        shelf.published(shelf.smallcase())

        assert load_catalogue([shelf.draft()]).refusals == ()
        assert Version.objects.count() == 2

    def test_refuses_constituents_that_were_never_published_and_loads_nothing(self) -> None:
        shelf.smallcase()

        loaded = load_catalogue([shelf.draft("SCNM_0002"), shelf.draft(weights=shelf.OTHER_TWO, line=7)])

        (refusal,) = loaded.refusals
        assert (refusal.line, refusal.reason) == (
            7,
            "SCNM_0001: the constituents differ from version 1; publish them with publish_rebalance.",
        )
        assert Smallcase.objects.count() == 1

    def test_refuses_another_day_of_launch(self) -> None:
        shelf.smallcase()

        (refusal,) = load_catalogue([shelf.draft(launched_on=date(2026, 11, 3))]).refusals

        assert refusal.reason == "SCNM_0001: launched_on is 2026-11-02 and cannot be changed."

    def test_costs_no_more_for_many(self, django_assert_max_num_queries: pytest.FixtureRequest) -> None:
        with django_assert_max_num_queries(12):  # type: ignore[operator]
            load_catalogue([shelf.draft(f"SCNM_{number:04}") for number in range(40)])

        assert Constituent.objects.count() == 80


class TestKnownToFiles:
    def test_names_instruments_and_users_and_the_day_in_india(self) -> None:
        shelf.manager()

        known = known_to_files(now=datetime(2026, 11, 20, 19, tzinfo=UTC))

        assert known.tradable["INFY"] is True
        assert known.managers == {"meera"}
        assert known.today == date(2026, 11, 21)


def test_weights_are_kept_to_four_decimals() -> None:
    shelf.smallcase(weights={"INFY": "33.3333", "TCS": "66.6667"})

    assert Constituent.objects.filter(weight=Decimal("33.3333")).exists()
