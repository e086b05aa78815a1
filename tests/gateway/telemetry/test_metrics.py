import pytest

from gateway.telemetry import metrics
from tests.counts import counted


@pytest.fixture(autouse=True)
def _no_endpoint_met(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_labelled", set())


class TestDelivered:
    def test_counts_the_attempt_the_endpoint_and_the_wait_of_the_event(self) -> None:
        attempts = counted("gateway_delivery_seconds_count", outcome="delivered")
        waited = counted("gateway_delivery_lag_seconds_sum", outcome="delivered")

        metrics.delivered(endpoint_id=70_007, outcome="delivered", seconds=0.2, lag_seconds=3)

        assert counted("gateway_delivery_seconds_count", outcome="delivered") == attempts + 1
        assert counted("gateway_endpoint_delivery_seconds_sum", endpoint="70007") == 0.2
        assert counted("gateway_endpoint_failures_total", endpoint="70007") == 0
        assert counted("gateway_delivery_lag_seconds_sum", outcome="delivered") == waited + 3

    @pytest.mark.parametrize("outcome", ["failed", "given_up"])
    def test_counts_a_failure_against_its_endpoint(self, outcome: metrics.DeliveryOutcome) -> None:
        failed = counted("gateway_endpoint_failures_total", endpoint="70008")
        attempts = counted("gateway_delivery_seconds_count", outcome=outcome)

        metrics.delivered(endpoint_id=70_008, outcome=outcome, seconds=10)

        assert counted("gateway_endpoint_failures_total", endpoint="70008") == failed + 1
        assert counted("gateway_delivery_seconds_count", outcome=outcome) == attempts + 1

    def test_takes_a_clock_that_was_set_back_for_no_wait(self) -> None:
        before = counted("gateway_delivery_lag_seconds_sum", outcome="given_up")

        metrics.delivered(endpoint_id=8, outcome="given_up", seconds=1, lag_seconds=-5)

        assert counted("gateway_delivery_lag_seconds_sum", outcome="given_up") == before

    def test_tells_only_so_many_endpoints_apart(self) -> None:
        before = counted("gateway_endpoint_delivery_seconds_count", endpoint="other")

        for _ in range(2):
            for endpoint in range(10_000, 10_000 + metrics.ENDPOINTS_LABELLED + 5):
                metrics.delivered(endpoint_id=endpoint, outcome="delivered", seconds=0)

        assert counted("gateway_endpoint_delivery_seconds_count", endpoint="other") == before + 10
        assert counted("gateway_endpoint_delivery_seconds_count", endpoint="10000") == 2


class TestOrdersSettled:
    def test_counts_statuses_and_fills_by_side(self) -> None:
        before = counted("gateway_orders_total", status="COMPLETE"), counted("gateway_fills_total", side="BUY")

        metrics.orders_settled(statuses={"COMPLETE": 2}, fills={"BUY": 3})

        after = counted("gateway_orders_total", status="COMPLETE"), counted("gateway_fills_total", side="BUY")
        assert after == (before[0] + 2, before[1] + 3)


class TestRateLimited:
    def test_counts_by_the_limit_that_stopped_it(self) -> None:
        before = counted("gateway_rate_limited_total", scope="gateway")

        metrics.rate_limited(scope="gateway")

        assert counted("gateway_rate_limited_total", scope="gateway") == before + 1
