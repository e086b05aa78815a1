"""The webhook worker's limit of open files, as several systems have it."""

import resource
from collections.abc import Iterator

import pytest

from webhooks import tasks

NO_LIMIT = resource.RLIM_INFINITY


@pytest.fixture(autouse=True)
def _limit_of_this_process() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


class TestAllowOpenFiles:
    @pytest.mark.parametrize(
        ("has", "asks"),
        [
            ((256, NO_LIMIT), [(10_240, NO_LIMIT)]),  # macOS
            ((1_024, 524_288), [(10_240, 524_288)]),
            ((1_024, 4_096), [(4_096, 4_096)]),
            ((4_096, 4_096), []),
            ((65_536, 1_048_576), []),
            ((NO_LIMIT, NO_LIMIT), []),
        ],
    )
    def test_asks_for_what_a_system_has_and_no_less_than_before(
        self, has: tuple[int, int], asks: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[tuple[int, int]] = []
        monkeypatch.setattr(resource, "getrlimit", lambda _: has)
        monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits))

        tasks.allow_open_files()

        monkeypatch.undo()
        assert asked == asks

    @pytest.mark.parametrize("refusal", [ValueError("current limit exceeds maximum limit"), PermissionError(1, "no")])
    def test_does_without_where_it_is_refused(self, refusal: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object) -> None:
            raise refusal

        monkeypatch.setattr(resource, "getrlimit", lambda _: (256, NO_LIMIT))
        monkeypatch.setattr(resource, "setrlimit", refuse)

        tasks.allow_open_files()

        monkeypatch.undo()

    def test_is_done_before_the_first_delivery(self) -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
        tasks._dispatcher.cache_clear()

        tasks._dispatcher()

        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 512
