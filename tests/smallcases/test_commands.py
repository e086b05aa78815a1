import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from rest_framework.authtoken.models import Token

from smallcases.api.manager_tokens import kept_form
from smallcases.models import IndexValue, RebalanceNotice, Smallcase, Version
from tests import make
from tests.smallcases import shelf
from tests.smallcases.catalogue.test_smallcase_files import WHOLE, of
from tests.smallcases.conftest import Write

pytestmark = pytest.mark.usefixtures("instruments")
CSV = "ticker,weight\nINFY,50\nWIPRO,50\n"


def run(command: str, *arguments: object, **options: object) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command(command, *map(str, arguments), stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


class TestLoadSmallcases:
    def test_loads_and_indexes(self, write: Write) -> None:
        out, _ = run("load_smallcases", write(of(WHOLE)))

        assert out.splitlines()[0] == "1 smallcases created, 0 existed."
        assert IndexValue.objects.filter(smallcase__scid="SCNM_0001").exists()

    def test_twice_changes_nothing(self, write: Write) -> None:
        path = write(of(WHOLE))
        run("load_smallcases", path)

        assert run("load_smallcases", path)[0] == "0 smallcases created, 1 existed.\n0 index values computed.\n"

    @pytest.mark.parametrize("change", [{"scid": "x"}, {"constituents": [{"ticker": "INFY", "weight": 100}]}])
    def test_loads_nothing_of_a_bad_file(self, write: Write, change: dict[str, object]) -> None:
        with pytest.raises(CommandError, match="1 problem; nothing was loaded"):
            run("load_smallcases", write(of(WHOLE | {"scid": "SCNM_0002"}, WHOLE | change)))

        assert not Smallcase.objects.exists()

    def test_lists_the_rejects_by_line(self, write: Write) -> None:
        err = StringIO()

        with pytest.raises(CommandError):
            call_command(
                "load_smallcases", write(of(WHOLE, WHOLE | {"scid": "SCNM_0002", "kind": "Hunch"})), stderr=err
            )

        assert err.getvalue() == "line 3: SCNM_0002: kind must be one of Thematic, Sector, Factor, Multi-asset\n"

    def test_points_to_publish_rebalance(self, write: Write) -> None:
        run("load_smallcases", write(of(WHOLE)))
        changed = [{"ticker": "INFY", "weight": 50}, {"ticker": "TCS", "weight": 50}]
        err = StringIO()

        with pytest.raises(CommandError):
            call_command("load_smallcases", write(of(WHOLE | {"constituents": changed})), stderr=err)

        assert "publish them with publish_rebalance" in err.getvalue()
        assert Version.objects.count() == 1

    def test_refuses_a_file_that_is_not_there(self) -> None:
        with pytest.raises(CommandError, match=r"no-such\.json cannot be read: No such file or directory"):
            run("load_smallcases", "no-such.json")


class TestIndexSmallcases:
    def test_indexes_all_or_those_named(self) -> None:
        shelf.smallcase()

        assert run("index_smallcases", "SCNM_0001")[0].endswith(" index values computed.\n")
        assert run("index_smallcases")[0] == "0 index values computed.\n"

    def test_refuses_an_unknown_one(self) -> None:
        with pytest.raises(CommandError, match="There is no smallcase SCNM_0009"):
            run("index_smallcases", "SCNM_0009")


class TestPublishRebalance:
    def test_publishes(self, write: Write) -> None:
        meera = shelf.manager()
        shelf.investments(shelf.smallcase(), make.gateway())

        out, _ = run("publish_rebalance", "SCNM_0001", write(CSV, "r.csv"), label="Anew", by="meera")

        assert out == "SCNM_0001: version 2 is published. Investors are notified in the background.\n"
        version = Version.objects.get(number=2)
        assert (version.label, version.published_by) == ("Anew", meera)
        assert RebalanceNotice.objects.get().version == version

    def test_takes_label_and_rationale_of_the_file(self, write: Write) -> None:
        shelf.smallcase()
        told = {"label": "Anew", "rationale": "Why not", "constituents": WHOLE["constituents"][::-1]}
        told["constituents"] = [{**row, "weight": 50} for row in told["constituents"]]

        run("publish_rebalance", "SCNM_0001", write(json.dumps(told), "r.json"))

        assert Version.objects.values_list("label", "rationale").get(number=2) == ("Anew", "Why not")

    def test_shows_what_it_would_mean(self, write: Write) -> None:
        shelf.smallcase()

        out, _ = run("publish_rebalance", "SCNM_0001", write(CSV, "r.csv"), dry_run=True)

        assert out.splitlines()[:5] == [
            "SCNM_0001: version 2 on top of 1",
            "  changed  INFY                 60 → 50 %",
            "  removed  TCS                  40 → 0 %",
            "  added    WIPRO                0 → 50 %",
            "turnover 50 % · 0 live investments · buys about ₹0.00, sells about ₹0.00",
        ]
        assert Version.objects.count() == 1

    @pytest.mark.parametrize(
        ("scid", "text", "options", "told"),
        [
            ("SCNM_0009", CSV, {}, "There is no smallcase with this scid."),
            ("SCNM_0001", CSV, {}, "The label must have 1 to 80 characters."),
            ("SCNM_0001", CSV, {"label": "l", "by": "nobody"}, "There is no user nobody."),
            (
                "SCNM_0001",
                CSV.replace("50", "49"),
                {"label": "l"},
                "r.csv is not a valid version; nothing was published.",
            ),
            (
                "SCNM_0001",
                CSV.replace("WIPRO", "WIRPO"),
                {"label": "l"},
                "WIRPO is not in the catalogue of instruments.",
            ),
            (
                "SCNM_0001",
                "ticker,weight\nINFY",
                {"label": "l"},
                "r.csv, line 2: the row has more or fewer cells than the header.",
            ),
        ],
    )
    def test_refuses_bad_input_and_publishes_nothing(
        self, write: Write, scid: str, text: str, options: dict[str, str], told: str
    ) -> None:
        shelf.smallcase()

        with pytest.raises(CommandError) as refusal:
            run("publish_rebalance", scid, write(text, "r.csv"), **options)

        assert str(refusal.value) == told
        assert Version.objects.count() == 1


class TestManagerToken:
    def test_is_printed_once_and_kept_as_a_digest(self) -> None:
        shelf.manager("meera")

        printed = run("manager_token", "meera")[0].strip()

        kept = Token.objects.get(user__username="meera").key
        assert (len(printed), len(kept)) == (43, 40)
        assert kept == kept_form(printed) != printed

    def test_replaces_the_one_before(self) -> None:
        shelf.manager("meera")
        first = run("manager_token", "meera")[0].strip()

        second = run("manager_token", "meera")[0].strip()

        assert [row.key for row in Token.objects.all()] == [kept_form(second)] != [kept_form(first)]

    @pytest.mark.parametrize(
        ("name", "sentence"), [("nobody", "There is no user nobody."), ("ravi", "ravi may not publish rebalances")]
    )
    def test_is_for_managers_only(self, name: str, sentence: str) -> None:
        shelf.manager("ravi", may_publish=False)

        with pytest.raises(CommandError, match=sentence):
            run("manager_token", name)

        assert not Token.objects.exists()
