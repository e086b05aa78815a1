import signal

import pytest

from tests import dates


class TestTheExitCode:
    @pytest.mark.parametrize(
        ("codes", "expected"),
        [((0, 0), 0), ((0, 1), 1), ((2, 0), 1), ((0, -signal.SIGKILL), 1), ((-signal.SIGKILL,), 1)],
    )
    def test_is_1_if_any_run_failed_or_was_killed(self, codes: tuple[int, ...], expected: int) -> None:
        assert dates._report({f"+{day}d": code for day, code in enumerate(codes)}) == expected
