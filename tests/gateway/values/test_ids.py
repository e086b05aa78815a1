import pytest

from gateway.values.ids import (
    GATEWAY_NAME,
    SCID,
    is_object_id,
    is_transaction_id,
    new_object_id,
    new_secret,
    new_transaction_id,
)

HEX = "0123456789abcdef01234567"


class TestNewIds:
    def test_have_their_forms(self) -> None:
        assert is_transaction_id(new_transaction_id())
        assert is_object_id(new_object_id())

    def test_do_not_repeat(self) -> None:
        assert len({new_object_id() for _ in range(1_000)} | {new_transaction_id() for _ in range(1_000)}) == 2_000

    def test_of_a_secret_are_never_an_option_of_a_command_line(self) -> None:
        made = {new_secret() for _ in range(2_000)}  # 1 in 64 random ones would begin with a hyphen, 1 in 64 with _
        assert len(made) == 2_000
        assert all(it[0].isalnum() and len(it) == 43 for it in made)


class TestIsTransactionId:
    @pytest.mark.parametrize(
        "text",
        ["", f"TRX_{HEX}", f"trx_{HEX}01234567", f"TRX_{HEX}0123456G", f"TRX_{HEX}01234567\n", f"TRX_{HEX}0123456७"],
    )
    def test_refuses_another_form(self, text: str) -> None:
        assert not is_transaction_id(text)


class TestIsObjectId:
    @pytest.mark.parametrize("text", ["", HEX[:-1], HEX + "0", HEX.upper(), HEX + "\n", "g" * 24])
    def test_refuses_another_form(self, text: str) -> None:
        assert not is_object_id(text)


class TestNames:
    @pytest.mark.parametrize("name", ["a", "0", "demo", "my-shop-2", "My_Shop", "a_", "a" * 63])
    def test_of_gateways_are_segments_of_a_url(self, name: str) -> None:
        assert GATEWAY_NAME.fullmatch(name)

    @pytest.mark.parametrize("name", ["", "-a", "_a", "a b", "a/b", "a.b", "a" * 64, "é", "\N{KELVIN SIGN}", "a\n"])
    def test_of_gateways_are_nothing_else(self, name: str) -> None:
        assert not GATEWAY_NAME.fullmatch(name)

    @pytest.mark.parametrize(
        ("scid", "fits"),
        [("SCNM_0001", True), ("AB_1234", True), ("A_1234", False), ("SCNM_001", False), ("SCNM_०००१", False)],
    )
    def test_of_smallcases_have_four_digits(self, scid: str, fits: bool) -> None:
        assert (SCID.fullmatch(scid) is not None) is fits
