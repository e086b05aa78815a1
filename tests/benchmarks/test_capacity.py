"""From orders a day to rows and processes: worked out by hand, held against the code, and through the command."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps

from benchmarks import capacity
from benchmarks import capacity_model as model
from benchmarks.queueing import simulate
from gateway.api import idempotency
from webhooks.events import retention

LOAD = model.Load(orders_per_day=1_000_000, endpoints=2, gateways=4)
RATES = model.Rates(web=200.0, worker_orders=400.0, dispatcher=300.0)
LIMITS = model.Wanted()
ROW_BYTES = dict.fromkeys(model.rows_a_day(LOAD), 100.0)


class TestLoad:
    def test_is_counted_in_baskets_events_and_deliveries(self) -> None:
        assert (LOAD.baskets, LOAD.events, LOAD.deliveries) == (100_000, 200_000, 400_000)

    def test_peaks_at_a_multiple_of_an_even_day(self) -> None:
        assert LOAD.at_peak(22_500) == pytest.approx(5.0)


class TestRowsADay:
    def test_are_of_tables_that_there_are(self) -> None:
        tables = {table._meta.db_table for table in apps.get_models()}

        assert set(model.rows_a_day(LOAD)) <= tables

    def test_are_as_worked_out_by_hand(self) -> None:
        rows = model.rows_a_day(LOAD)

        assert rows["transactions_order"] == (1_000_000, 365)
        assert rows["webhooks_delivery"] == (400_000, 90)
        assert rows["webhooks_attempt"] == pytest.approx((420_000, 90))
        assert rows["gateway_idempotentrequest"] == (100_000, 1.0)
        assert rows["gateway_account"] == (10_000, 365)

    def test_with_real_brokers_have_no_simulated_books(self) -> None:
        real = model.rows_a_day(replace(LOAD, simulated=False))

        assert set(model.rows_a_day(LOAD)) - set(real) == {
            "simulator_simaccount",
            "simulator_simorder",
            "simulator_simtrade",
        }

    def test_stay_for_as_long_as_the_gateway_keeps_them(self) -> None:
        assert retention.CHUNK * retention.CHUNKS_AT_ONCE == model.FORGOTTEN_AN_HOUR
        assert timedelta(days=model.KEYS_KEPT_DAYS) == idempotency.KEPT


class TestTables:
    def test_add_up_with_the_largest_first(self) -> None:
        found = model.tables(LOAD, {**ROW_BYTES, "transactions_transaction": 10_000.0})

        assert (found[0].name, found[0].rows, found[0].bytes) == ("transactions_transaction", 36_500_000, 365e9)
        assert [table.bytes for table in found] == sorted((table.bytes for table in found), reverse=True)

    def test_are_refused_where_one_was_not_measured(self) -> None:
        with pytest.raises(ValueError, match="missing for webhooks_event"):
            model.tables(LOAD, {name: size for name, size in ROW_BYTES.items() if name != "webhooks_event"})


class TestStations:
    def test_get_what_comes_at_the_peak(self) -> None:
        found = {station.name: station for station in model.stations(LOAD, RATES, LIMITS)}

        assert found["web"].arrivals == pytest.approx(100_000 * 6 / 22_500 * 5)
        assert found["worker"].arrivals == pytest.approx(100_000 / 22_500 * 5)
        assert found["worker"].service == 40.0
        assert found["dispatcher"].arrivals == pytest.approx(420_000 / 22_500 * 5)

    def test_are_as_many_as_fill_to_the_part_wanted(self) -> None:
        found = model.stations(LOAD, RATES, LIMITS)

        assert [station.processes for station in found] == [2, 1, 1]
        assert all(one.arrivals / one.service / one.processes <= LIMITS.busiest for one in found)

    @pytest.mark.parametrize("orders", [1e5, 1e6, 1e7, 1e8])
    def test_hold_in_a_simulation_and_one_less_does_not_where_they_are_full(self, orders: float) -> None:
        full = replace(LIMITS, busiest=1.0, patience=0.05)
        for station in model.stations(replace(LOAD, orders_per_day=orders), RATES, full):
            rate, each = station.arrivals, station.service
            seconds = min(900.0, 100_000 / rate)
            seen = simulate(servers=station.processes, arrivals=rate, service=each, seconds=seconds, seed=1)

            assert seen.p99 <= full.patience * 1.2

    def test_open_a_connection_for_each_thread(self) -> None:
        found = model.stations(LOAD, RATES, LIMITS)

        assert model.connections(found, LIMITS) == 2 * (16 + 2) + 1 + 1

    def test_make_whole_workers(self) -> None:
        many = model.stations(replace(LOAD, orders_per_day=10_000_000), RATES, LIMITS)

        assert next(one.processes for one in many if one.name == "worker") == 10
        assert model.workers(many, LIMITS) == 3


class TestWarnings:
    def test_tell_of_more_than_is_ever_forgotten(self) -> None:
        much = replace(LOAD, orders_per_day=200_000_000)

        (told,) = model.warnings(much)
        assert told.startswith("10,000,000 events a day of one gateway are more than the 4,800,000")
        assert model.warnings(LOAD) == []


@pytest.fixture
def measured(tmp_path: Path) -> dict[str, str]:
    rows, rates = tmp_path / "rows.json", tmp_path / "rates.json"
    rows.write_text(json.dumps({"bytes": ROW_BYTES}))
    rates.write_text(json.dumps({"web": 200, "worker_orders": 400, "dispatcher": 300}))
    return {"--row-bytes": str(rows), "--rates": str(rates)}


def run(capsys: pytest.CaptureFixture[str], *arguments: str, **named: str) -> tuple[int, str, str]:
    code = capacity.main([*arguments, *(part for pair in named.items() for part in pair)])
    said = capsys.readouterr()
    return code, said.out, said.err


class TestTheCommand:
    def test_tells_what_the_model_says_and_the_simulation_saw(
        self, capsys: pytest.CaptureFixture[str], measured: dict[str, str]
    ) -> None:
        code, out, _ = run(
            capsys, "--orders-per-day", "1000000", "--endpoints", "2", "--gateways", "4", "--json", **measured
        )

        found: dict[str, Any] = json.loads(out)
        assert code == 0
        assert {one["name"]: one["processes"] for one in found["processes"]} == {"web": 2, "worker": 1, "dispatcher": 1}
        assert found["connections"] == 38
        assert all(one["simulated"]["p99"] <= 1.0 for one in found["processes"])
        assert found["bytes"] == pytest.approx(sum(one["a_day"] * one["kept_days"] * 100 for one in found["tables"]))

    def test_needs_no_option(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """As docs/scaling.md runs it, from any folder."""
        monkeypatch.chdir(tmp_path)
        code, out, err = run(capsys)

        assert (code, err) == (0, "")
        assert "│ transactions_order           │ 1,000,000 " in out

    def test_tells_people_as_well(self, capsys: pytest.CaptureFixture[str], measured: dict[str, str]) -> None:
        code, out, _ = run(capsys, "--orders-per-day", "1000000", **measured)

        assert code == 0
        assert "Workers of --concurrency 4: 1. One beat." in out
        assert "transactions_order" in out

    def test_knows_no_rate_that_was_not_measured(
        self, capsys: pytest.CaptureFixture[str], measured: dict[str, str]
    ) -> None:
        code, out, err = run(
            capsys, "--orders-per-day", "10", "--web-rate", "5", **{"--row-bytes": measured["--row-bytes"]}
        )

        assert (code, out) == (2, "")
        assert err == "capacity: Rates of one process are missing: worker, dispatcher.\n"

    def test_tells_rows_and_peaks_where_no_rate_was_measured(
        self, capsys: pytest.CaptureFixture[str], measured: dict[str, str]
    ) -> None:
        rows = {"--row-bytes": measured["--row-bytes"]}
        code, out, _ = run(capsys, "--orders-per-day", "1000000", "--json", **rows)
        _, told, _ = run(capsys, "--orders-per-day", "1000000", **rows)

        found = json.loads(out)
        assert (code, found["processes"], found["connections"]) == (0, [], None)
        assert found["peaks"]["baskets"] == pytest.approx(100_000 / 22_500 * 5)
        assert "At the peak: 133.3 requests/s, 22.2 baskets/s, 46.7 deliveries/s." in told

    def test_takes_a_rate_that_is_given_before_one_from_the_file(
        self, capsys: pytest.CaptureFixture[str], measured: dict[str, str]
    ) -> None:
        _, out, _ = run(capsys, "--orders-per-day", "1000000", "--web-rate", "20", "--json", **measured)

        assert json.loads(out)["processes"][0]["service"] == 20.0

    def test_needs_one_process_of_each_where_nothing_comes(
        self, capsys: pytest.CaptureFixture[str], measured: dict[str, str]
    ) -> None:
        code, out, _ = run(capsys, "--orders-per-day", "0", "--json", **measured)

        assert (code, [one["processes"] for one in json.loads(out)["processes"]]) == (0, [1, 1, 1])

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            *(("--orders-per-day", value) for value in ("-1", "inf", "nan", "many")),
            ("--basket-size", "0"),
            ("--hours", "0"),
            ("--keyed", "1.1"),
            ("--busiest", "1.5"),
            ("--gateways", "0"),
            ("--gateways", "1.5"),
        ],
    )
    def test_refuses_a_number_that_is_none(
        self, capsys: pytest.CaptureFixture[str], measured: dict[str, str], option: str, value: str
    ) -> None:
        with pytest.raises(SystemExit) as end:
            run(capsys, "--orders-per-day", "1", option, value, **measured)

        assert end.value.code == 2

    def test_says_what_it_is_for(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as end:
            run(capsys, "--help")

        assert end.value.code == 0
        assert "--orders-per-day" in capsys.readouterr().out

    def test_is_wrong_where_more_waits_than_is_promised(self) -> None:
        station = model.Station("web", "requests", 59.0, 10.0, 20)
        seen = simulate(servers=6, arrivals=59.0, service=10.0, seconds=600, seed=1)

        assert capacity.is_slower(station, seen, LIMITS)


class TestWhatWasMeasured:
    def test_is_of_every_table_that_grows(self) -> None:
        from benchmarks.row_sizes_rounds import GROWING

        kept = json.loads((Path(capacity.__file__).parent / "measured/row_sizes.json").read_text())

        assert set(GROWING) == set(model.rows_a_day(LOAD)) == set(kept["bytes"])
        assert all(size > 0 for size in kept["bytes"].values())

    def test_are_the_rows_that_the_model_reckons_with(self) -> None:
        kept = json.loads((Path(capacity.__file__).parent / "measured/row_sizes.json").read_text())
        size = kept["basketSize"]
        like_it = model.Load(orders_per_day=size, basket_size=size, tries_per_delivery=1.0, newcomers=1.0)

        reckoned = {name: a_day for name, (a_day, _) in model.rows_a_day(like_it).items()}
        assert reckoned == pytest.approx(kept["rows"])
