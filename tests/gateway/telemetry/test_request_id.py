import threading

import pytest

from gateway.telemetry import request_id


class TestKeptOrFresh:
    @pytest.mark.parametrize("sent", ["12345678", "a.b_c-D9" * 8])
    def test_keeps_what_is_harmless(self, sent: str) -> None:
        assert request_id.kept_or_fresh(sent) == sent

    @pytest.mark.parametrize("sent", ["", "short", "x" * 65, "has space", "line\nfeed1", "12345678\n", None, 12345678])
    def test_makes_another_otherwise(self, sent: object) -> None:
        made = request_id.kept_or_fresh(sent)

        assert (made != sent, len(made)) == (True, 16)


class TestBound:
    def test_holds_inside_and_no_longer(self) -> None:
        with request_id.bound("outer-id"), request_id.bound("inner-id"):
            inside = request_id.current()

        assert (inside, request_id.current()) == ("inner-id", "")

    def test_to_nothing_changes_nothing(self) -> None:
        with request_id.bound("outer-id"), request_id.bound(""):
            assert request_id.current() == "outer-id"

    def test_ends_with_an_exception(self) -> None:
        with pytest.raises(KeyError), request_id.bound("outer-id"):
            raise KeyError

        assert request_id.current() == ""

    def test_is_not_another_threads(self) -> None:
        seen: list[str] = []
        with request_id.bound("outer-id"):
            thread = threading.Thread(target=lambda: seen.append(request_id.current()))
            thread.start()
            thread.join()

        assert seen == [""]
