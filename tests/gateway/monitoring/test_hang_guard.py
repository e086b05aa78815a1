"""A query that hangs delays its caller only up to the caller's timeout."""

import threading

import pytest

from gateway.monitoring.hang_guard import Watched


class Hanging:
    """Until it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.times = 0

    def __call__(self) -> int:
        self.times += 1
        assert self.let_go.wait(30)
        return self.times


class TestWatched:
    def test_answers(self) -> None:
        assert Watched(lambda: 7, name="seven").asked().result(5) == 7

    def test_raises_what_the_question_raises(self) -> None:
        def refuse() -> int:
            raise ConnectionError("no")

        with pytest.raises(ConnectionError, match="no"):
            Watched(refuse, name="refused").asked().result(5)

    def test_gives_up_waiting_while_it_hangs(self) -> None:
        hanging = Hanging()

        with pytest.raises(TimeoutError):
            Watched(hanging, name="hangs").asked().result(0.01)

        hanging.let_go.set()

    def test_asks_once_however_many_come_while_it_hangs(self) -> None:
        hanging = Hanging()
        watched = Watched(hanging, name="hangs")
        coming = [watched.asked() for _ in range(5)]

        hanging.let_go.set()

        assert [asked.result(5) for asked in coming] == [1] * 5

    def test_asks_again_once_it_has_hung_for_too_long(self) -> None:
        hanging = Hanging()
        watched = Watched(hanging, name="hangs", abandon_after=0)
        abandoned = watched.asked()

        hanging.let_go.set()

        assert (watched.asked() is abandoned, abandoned.result(5) > 0) == (False, True)

    def test_asks_anew_after_each_answer(self) -> None:
        hanging = Hanging()
        hanging.let_go.set()
        watched = Watched(hanging, name="does not hang")

        assert [watched.asked().result(5) for _ in range(2)] == [1, 2]
