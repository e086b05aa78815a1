"""What the shop is told at its start."""

from pathlib import Path

import pytest

from shop.config import NEEDED, Site, read_config

TOLD = {
    "SHOP_ORIGINS": "http://127.0.0.1:8001,http://localhost:8001",
    "SHOP_GATEWAY_URLS": "http://127.0.0.1:8000,http://localhost:8000",
    "SHOP_GATEWAY": "demo-site",
    "SHOP_API_SECRET": "a",
    "SHOP_JWT_SECRET": "j",
    "SHOP_WEBHOOK_SECRETS": "new,old",
    "SHOP_DATABASE": "/somewhere/shop.sqlite3",
}


class TestTheEnvironment:
    def test_is_read_as_it_was_written(self) -> None:
        config = read_config(TOLD)

        assert (config.partner.name, config.partner.url) == ("demo-site", "http://127.0.0.1:8000")
        assert (config.partner.webhook_secrets, config.partner.manager_token) == (("new", "old"), "")
        assert config.sites["localhost:8001"] == Site("http://localhost:8001", "http://localhost:8000")
        assert config.database == Path("/somewhere/shop.sqlite3")

    @pytest.mark.parametrize("name", NEEDED)
    def test_without_one_of_them_ends_the_start_by_its_name(self, name: str) -> None:
        with pytest.raises(SystemExit, match=f"The demo site cannot start: {name} is not set."):
            read_config({**TOLD, name: ""})

    def test_with_an_origin_too_many_ends_it_too(self) -> None:
        with pytest.raises(SystemExit, match="must be as long as each other"):
            read_config({**TOLD, "SHOP_ORIGINS": "http://127.0.0.1:8001"})

    def test_is_not_told_by_a_traceback(self) -> None:
        partner = read_config({**TOLD, "SHOP_API_SECRET": "hush"}).partner

        assert "hush" not in repr(partner)
