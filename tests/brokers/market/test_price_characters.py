import pytest

from brokers.market.price_characters import FUNDS, SECTORS, TRUST, character_of


class TestCharacterOf:
    @pytest.mark.parametrize(
        ("ticker", "like"),
        [("LIQUIDBEES", "LIQUIDBEES"), ("LIQUIDCASE", "LIQUID"), ("GOLDIETF", "GOLD"), ("GILT5YBEES", "GILT")],
    )
    def test_of_a_fund_is_that_of_its_family(self, ticker: str, like: str) -> None:
        assert character_of("ETF", "Exchange traded fund", ticker) is FUNDS[like]

    def test_of_another_fund_follows_the_market(self) -> None:
        found = character_of("ETF", "", "NIFTYBEES")

        assert (found.factor, found.share) == ("market", 1_000)

    @pytest.mark.parametrize("kind", ["REIT", "INVIT"])
    def test_of_a_trust_moves_little_with_the_market(self, kind: str) -> None:
        assert character_of(kind, "Realty", "EMBASSY") is TRUST

    @pytest.mark.parametrize(("sector", "beta"), [*SECTORS.items(), ("Textiles", 1_000)])
    def test_of_a_share_is_near_its_sectors(self, sector: str, beta: int) -> None:
        found = {character_of("STOCK", sector, f"SHARE{number}") for number in range(50)}

        assert all(850 * beta <= 1_000 * (one.share + 1) and 1_000 * one.share <= 1_150 * beta for one in found)
        assert all(60_000 <= one.trend <= 150_000 and one.own >= 10_000 for one in found)
        assert len(found) > 40
