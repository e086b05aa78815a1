"""The catalogue over HTTP, as a partner reads it."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from brokers.models import Instrument
from gateway.models import Gateway
from smallcases.api.serializers import SORTS
from smallcases.models import IndexValue, Performance, Smallcase
from smallcases.portfolio.daily_index import index_smallcases
from tests import make
from tests.partner import Json, Partner
from tests.smallcases import shelf
from tests.smallcases.counting import at_most

LIST, PROFILE, CHART = (f"/v1/{{gateway}}/engine/{name}" for name in ("smallcases", "smallcase", "smallcase/chart"))
CLOSED = datetime(2026, 11, 20, 10, tzinfo=UTC)


@pytest.fixture
def partner(instruments: None) -> Partner:
    return make.partner()


@pytest.fixture
def three(partner: Partner) -> list[Smallcase]:
    """Pinned prices make their minimum investments ₹1,000, ₹2,000 and ₹4,000; the last has no index yet."""
    for ticker, price in {"INFY": 500, "TCS": 500, "WIPRO": 2_000}.items():
        partner.call("PUT", f"/sandbox/{{gateway}}/prices/{ticker}", {"price": price})
    return [
        shelf.smallcase("SCNM_0001", name="Cherry", weights={"INFY": "50", "TCS": "50"}, kind="Thematic"),
        shelf.smallcase("SCNM_0002", name="apple", weights={"INFY": "25", "TCS": "75"}, risk="Low volatility"),
        shelf.smallcase(
            "SCNM_0003", name="Banana", weights={"WIPRO": "50", "TCS": "50"}, launched_on=date(2026, 11, 9)
        ),
    ]


def call(partner: Partner, path: str = LIST, **query: Any) -> Json:
    answer = partner.call("GET", path, query=query)
    assert answer.status == 200, answer.body
    return dict(answer.data)


def scids(partner: Partner, **query: Any) -> list[str]:
    return [one["scid"][-1] for one in call(partner, **query)["smallcases"]]


def performance(scid: str, **columns: str) -> None:
    Performance.objects.create(
        smallcase=Smallcase.objects.get(scid=scid),
        day=date(2026, 11, 20),
        **{"index_value": Decimal(100), "since_launch": Decimal(0), **{k: Decimal(v) for k, v in columns.items()}},
    )


@pytest.mark.usefixtures("three")
class TestTheList:
    def test_returns_each_smallcase(self, partner: Partner) -> None:
        performance("SCNM_0001", index_value="104.5", monthly="0.012345", since_launch="0.045", volatility="0.11")

        one = next(one for one in call(partner)["smallcases"] if one["scid"] == "SCNM_0001")

        assert one == {
            "scid": "SCNM_0001",
            "version": 1,
            "info": {
                "name": "Cherry",
                "shortDescription": "Two houses of software.",
                "type": "Thematic",
                "publisherName": "Banyan",
                "imageUrl": None,
                "rebalanceSchedule": "Quarterly",
                "lastRebalanced": "2026-11-02T03:45:00.000Z",
                "nextUpdate": "2027-02-02T00:00:00.000Z",
                "uploaded": "2026-11-02T00:00:00.000Z",
            },
            "stats": {
                "indexValue": 104.5,
                "lastIndexUpdatedDate": "2026-11-20T00:00:00.000Z",
                "minInvestAmount": 1000,
                "minSipAmount": 500,
                "returns": {
                    "daily": None,
                    "weekly": None,
                    "monthly": 0.012345,
                    "quarterly": None,
                    "halfyearly": None,
                    "yearly": None,
                    "sinceLaunch": 0.045,
                },
                "ratios": {"cagr": None, "volatility": 0.11, "riskLabel": "Medium volatility"},
            },
            "benchmark": {"id": "NIFTYBEES", "name": "Nippon India ETF Nifty 50 BeES"},
            "flags": {"active": True},
        }

    def test_is_in_the_order_of_names_unless_told(self, partner: Partner) -> None:
        assert scids(partner) == ["2", "3", "1"]

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ({"sortBy": "minInvestAmount"}, ["1", "2", "3"]),
            ({"sortBy": "minInvestAmount", "sortOrder": -1}, ["3", "2", "1"]),
            ({"sortBy": "name", "sortOrder": "-1"}, ["1", "3", "2"]),
            ({"sortBy": "uploaded", "sortOrder": -1}, ["3", "1", "2"]),
            ({"sortBy": "lastRebalanced"}, ["1", "2", "3"]),
            ({"sortBy": "monthly"}, ["2", "1", "3"]),
            ({"sortBy": "monthly", "sortOrder": -1}, ["1", "2", "3"]),
        ],
    )
    def test_is_sorted_as_asked_what_has_no_value_last(
        self, partner: Partner, query: dict[str, Any], expected: list[str]
    ) -> None:
        performance("SCNM_0001", monthly="0.02")
        performance("SCNM_0002", monthly="-0.01")

        assert scids(partner, **query) == expected

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ({"type": "Thematic"}, ["1"]),
            ({"risk": "Low volatility"}, ["2"]),
            ({"minAmount": "1000.01"}, ["2", "3"]),
            ({"maxAmount": 2000}, ["2", "1"]),
            ({"minAmount": 1500, "maxAmount": 2500}, ["2"]),
            ({"search": "APP"}, ["2"]),
            ({"search": "scnm_0003"}, ["3"]),
            ({"search": "wipro"}, ["3"]),
            ({"search": "%"}, []),
            ({"search": "banyan"}, ["2", "3", "1"]),
            ({"type": "Factor"}, []),
        ],
    )
    def test_holds_what_is_asked_for(self, partner: Partner, query: dict[str, Any], expected: list[str]) -> None:
        assert scids(partner, **query) == expected

    def test_is_paged_with_the_total_number(self, partner: Partner) -> None:
        pages = [call(partner, count=2, offset=offset) for offset in (0, 2, 4)]

        assert [[one["scid"] for one in page["smallcases"]] for page in pages] == [
            ["SCNM_0002", "SCNM_0003"],
            ["SCNM_0001"],
            [],
        ]
        assert {page["total"] for page in pages} == {3}

    def test_leaves_out_what_is_archived(self, partner: Partner) -> None:
        Smallcase.objects.filter(scid="SCNM_0002").update(is_archived=True)

        assert scids(partner) == ["3", "1"]

    def test_follows_the_newest_version(self, partner: Partner) -> None:
        shelf.published(Smallcase.objects.get(scid="SCNM_0001"), {"TCS": "20", "INFY": "80"})

        assert scids(partner, sortBy="minInvestAmount", sortOrder=-1) == ["3", "1", "2"]

    def test_of_another_gateway_has_its_own_prices(self, partner: Partner) -> None:
        other = make.partner()

        assert call(other, search="SCNM_0001")["smallcases"][0]["stats"]["minInvestAmount"] != 1000

    @pytest.mark.parametrize(
        ("query", "told"),
        [
            ({"sortBy": "luck"}, f"sortBy: must be one of {', '.join(SORTS)}."),
            ({"sortOrder": "2"}, 'sortOrder: "2" is not a valid choice.'),
            ({"count": 0}, "count: Ensure this value is greater than or equal to 1."),
            ({"count": 201}, "count: Ensure this value is less than or equal to 200."),
            ({"offset": -1}, "offset: Ensure this value is greater than or equal to 0."),
            ({"type": "Hunch"}, "type: must be one of Thematic, Sector, Factor, Multi-asset."),
            ({"minAmount": "much"}, "minAmount: A valid number is required."),
            ({"maxAmount": "١٢"}, "maxAmount: A valid number is required."),
            ({"count": "١٢"}, "count: A valid integer is required."),
            ({"maxAmount": "NaN"}, "maxAmount: A valid number is required."),
            ({"search": "s" * 81}, "search: Ensure this field has no more than 80 characters."),
            ({"search": "\0"}, "search: Null characters are not allowed."),
        ],
    )
    def test_refuses_a_wrong_query(self, partner: Partner, query: dict[str, Any], told: str) -> None:
        answer = partner.call("GET", LIST, query=query)

        assert (answer.status, answer.error_type, answer.errors) == (400, "ValidationError", [told])

    def test_is_for_those_with_credentials(self, partner: Partner) -> None:
        assert partner.call("GET", LIST, headers={}).status == 401


class TestTheProfile:
    def test_adds_texts_and_constituents_the_largest_first(self, partner: Partner) -> None:
        shelf.smallcase(weights={"TCS": "33.3333", "INFY": "66.6667"})
        Instrument.objects.filter(symbol="TCS").update(tradable=False)

        found = call(partner, PROFILE, scid="SCNM_0001")

        assert found["rationale"] == "They write it once and sell it often."
        assert found["rebalance"] == {"label": "First version", "rationale": ""}
        assert found["constituents"] == [
            {"ticker": "INFY", "stockName": "Infosys Ltd.", "weight": 0.666667, "tradable": True},
            {
                "ticker": "TCS",
                "stockName": "Tata Consultancy Services Ltd.",
                "weight": 0.333333,
                "tradable": False,
            },
        ]

    def test_shows_its_last_and_next_rebalance(self, partner: Partner) -> None:
        shelf.published(shelf.smallcase(schedule="Monthly"))
        shelf.smallcase("SCNM_0002", schedule="As needed")

        info = call(partner, PROFILE, scid="SCNM_0001")["info"]

        assert (info["lastRebalanced"], info["nextUpdate"]) == ("2026-11-10T06:00:00.000Z", "2026-12-10T00:00:00.000Z")
        assert call(partner, PROFILE, scid="SCNM_0002")["info"]["nextUpdate"] is None

    def test_of_an_archived_one_says_so(self, partner: Partner) -> None:
        shelf.smallcase()
        Smallcase.objects.update(is_archived=True)

        assert call(partner, PROFILE, scid="SCNM_0001")["flags"] == {"active": False}

    @pytest.mark.parametrize("path", [PROFILE, CHART])
    @pytest.mark.parametrize("scid", ["SCNM_0002", "scnm_0001", "SCNM_0001\0", "x" * 30])
    def test_of_an_unknown_one_is_not_found(self, partner: Partner, path: str, scid: str) -> None:
        shelf.smallcase()

        answer = partner.call("GET", path, query={"scid": scid})

        assert answer.status in {400, 404}
        assert answer.body["data"] is None


class TestTheChart:
    @pytest.fixture(autouse=True)
    def _indexed(self, instruments: None) -> None:
        shelf.smallcase(launched_on=date(2025, 6, 2))
        index_smallcases(now=CLOSED)

    def test_rebases_index_and_benchmark_on_the_first_day(self, partner: Partner) -> None:
        found = call(partner, CHART, scid="SCNM_0001", duration="1m", base=1000)

        index, benchmark = found["points"], found["benchmark"]["points"]
        assert (found["scid"], found["duration"], found["base"], found["benchmark"]["id"]) == (
            "SCNM_0001",
            "1m",
            1000,
            "NIFTYBEES",
        )
        assert (index[0], benchmark[0]["price"]) == ({"date": "2026-10-19T00:00:00.000Z", "index": 1000}, 1000)
        assert [point["date"] for point in index] == [point["date"] for point in benchmark]
        assert index[-1]["date"] == "2026-11-20T00:00:00.000Z"

    def test_keeps_the_indexs_proportions(self, partner: Partner) -> None:
        values = dict(IndexValue.objects.values_list("day", "value"))

        points = call(partner, CHART, scid="SCNM_0001")["points"]

        grown = values[date(2026, 11, 20)] / values[date(2025, 11, 20)] * 100
        assert points[-1]["index"] == pytest.approx(float(grown), abs=1e-4)

    @pytest.mark.parametrize(
        ("duration", "first"), [("1m", "2026-10-19"), ("3m", "2026-08-20"), ("6m", "2026-05-20"), ("1y", "2025-11-20")]
    )
    def test_spans_the_duration_from_the_last_close_before_it(
        self, partner: Partner, duration: str, first: str
    ) -> None:
        """20 October 2026 is Dussehra: no session."""
        points = call(partner, CHART, scid="SCNM_0001", duration=duration)["points"]

        assert (points[0]["date"], points[0]["index"]) == (f"{first}T00:00:00.000Z", 100)

    def test_of_a_young_one_begins_at_its_launch(self, partner: Partner) -> None:
        shelf.smallcase("SCNM_0002")
        index_smallcases(now=CLOSED)

        points = call(partner, CHART, scid="SCNM_0002", duration="6m")["points"]

        assert points[0] == {"date": "2026-11-02T00:00:00.000Z", "index": 100}

    def test_of_one_without_index_is_empty(self, partner: Partner) -> None:
        shelf.smallcase("SCNM_0002")

        found = call(partner, CHART, scid="SCNM_0002")

        assert (found["points"], found["benchmark"]["points"]) == ([], [])

    @pytest.mark.parametrize(
        ("query", "told"),
        [
            ({"duration": "2y"}, "duration: must be one of 1m, 3m, 6m, 1y."),
            ({"base": 0}, "base: Ensure this value is greater than or equal to 0.01."),
            ({"base": "x"}, "base: A valid number is required."),
        ],
    )
    def test_refuses_a_wrong_query(self, partner: Partner, query: dict[str, Any], told: str) -> None:
        answer = partner.call("GET", CHART, query={"scid": "SCNM_0001", **query})

        assert (answer.status, answer.errors) == (400, [told])

    def test_needs_a_scid(self, partner: Partner) -> None:
        assert partner.call("GET", CHART).errors == ["scid: This field is required."]


class TestStatements:
    @pytest.fixture(autouse=True)
    def _fifty(self, instruments: None) -> None:
        for number in range(50):
            shelf.smallcase(f"SCNM_{number:04}")
        index_smallcases(now=CLOSED)

    @pytest.mark.parametrize("query", [{}, {"sortBy": "monthly", "search": "INFY"}, {"maxAmount": 100_000}])
    def test_of_a_list_of_fifty_are_four(self, partner: Partner, query: dict[str, Any]) -> None:
        with at_most(4):
            found = call(partner, **query)

        assert len(found["smallcases"]) == 50

    def test_of_a_profile_are_four(self, partner: Partner) -> None:
        with at_most(4):
            call(partner, PROFILE, scid="SCNM_0001")

    def test_of_a_chart_are_four(self, partner: Partner) -> None:
        with at_most(4):
            call(partner, CHART, scid="SCNM_0001")


def test_a_connected_user_reads_the_catalogue_too(partner: Partner) -> None:
    shelf.smallcase()
    who = shelf.account(Gateway.objects.get(name=partner.name))

    answer = partner.call("GET", LIST, auth_id=who.auth_id)

    assert (answer.status, answer.data["total"]) == (200, 1)
