import pytest

from gateway.values.errors import Invalid
from gateway.values.origins import check_origin


class TestCheckOrigin:
    @pytest.mark.parametrize(
        ("text", "origin"),
        [
            ("https://shop.example", "https://shop.example"),
            ("https://Shop.Example:8443", "https://shop.example:8443"),
            ("https://[2001:db8::1]", "https://[2001:db8::1]"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://127.0.0.1", "http://127.0.0.1"),
            ("http://[::1]:3000", "http://[::1]:3000"),
        ],
    )
    def test_is_as_a_browser_sends_it(self, text: str, origin: str) -> None:
        assert check_origin(text) == origin

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "null",
            "*",
            "shop.example",
            "http://shop.example",
            "ftp://localhost",
            "https://",
            "https://shop.example/",
            "https://shop.example?",
            "https://shop.example#",
            "https://user@shop.example",
            "https://shop.example:https",
            "https://*.shop.example",
            "https://shop example",
            "https://shop.example\n",
            "https://[::1",
            "http://localhost.evil.example",
        ],
    )
    def test_is_nothing_else(self, text: str) -> None:
        with pytest.raises(Invalid, match="is not an origin such as"):
            check_origin(text)
