"""What is sound is found so."""

from io import StringIO

from django.core.management import call_command

from tests.invariants.world import World, broken
from transactions.models import Batch


class TestASoundGateway:
    def test_breaks_nothing(self, world: World) -> None:
        statuses = set(Batch.objects.values_list("status", flat=True))

        assert broken() == {}
        assert statuses == {
            "COMPLETED", "PARTIALLYFILLED", "ERROR", "UNPLACED", "UNFILLED", "CANCELLED"
        }  # fmt: skip

    def test_may_have_the_shipped_smallcases(self, world: World) -> None:
        call_command("load_smallcases", stdout=StringIO())

        assert broken() == {}

    def test_is_settled_once_no_late_word_can_come(self, world: World) -> None:
        assert broken(settled=True) == {"no_broker_is_asked_any_more": 1}

        world.later(hours=25)

        assert broken(settled=True) == {}
