import pytest

from brokers.ports.broker import Ack, LoginEnded


class TestAck:
    @pytest.mark.parametrize(("ack", "taken"), [(Ack("r"), True), (Ack("r", "adapterError", "Down."), False)])
    def test_is_taken_unless_it_names_an_error(self, ack: Ack, taken: bool) -> None:
        assert ack.taken is taken


class TestLoginEnded:
    def test_passes_the_code_on(self) -> None:
        assert LoginEnded(1012).code == 1012
