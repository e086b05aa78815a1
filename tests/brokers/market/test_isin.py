import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.market.isin import is_isin


class TestIsIsin:
    # INFY, TCS, NIFTYBEES, and others from outside NSE: Apple, BAE Systems, US Treasury.
    @pytest.mark.parametrize(
        "text", ["INE009A01021", "INE467B01029", "INF204KB14I2", "US0378331005", "GB0002634946", "US912828U816"]
    )
    def test_takes_a_real_one(self, text: str) -> None:
        assert is_isin(text)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "INE009A0102",
            "INE009A010211",
            "INE009A0102X",
            "ine009a01021",
            "1NE009A01021",
            "INE009A01021\n",
            "INE009A0102１",
            "INE009A01-21",
        ],
    )
    def test_refuses_another_shape(self, text: str) -> None:
        assert not is_isin(text)

    @given(st.sampled_from([3, 4, 5, 7, 8, 9, 10, 11]), st.sampled_from("0123456789"))
    def test_refuses_any_other_digit(self, place: int, digit: str) -> None:
        real = "INE009A01021"
        changed = real[:place] + digit + real[place + 1 :]

        assert is_isin(changed) is (changed == real)

    @given(st.from_regex(r"[A-Z]{2}[A-Z0-9]{9}", fullmatch=True))
    def test_takes_exactly_one_check_digit(self, body: str) -> None:
        assert sum(is_isin(f"{body}{digit}") for digit in range(10)) == 1
