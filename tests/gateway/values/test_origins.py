import pytest

from gateway.values.errors import Invalid
from gateway.values.origins import check_origin, is_allowed, permission_of


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
            ("https://*.Shop.Example", "https://*.shop.example"),
            ("https://*.shop.example:8443", "https://*.shop.example:8443"),
            ("capacitor://localhost", "capacitor://localhost"),
            ("com.acme.app://done", "com.acme.app://done"),
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
            "https://*",
            "https://*.example",
            "https://shop.*.example",
            "https://*shop.example",
            "http://*.shop.example",
            "https://*.shop.example/",
            "acme://*.done",
            "acme:",
            "acme://",
            "acme:done",
            "acme://done/path",
            "acme://done;script-src *",
            "javascript://alert(1)",
            "javascript://localhost",
            "data://localhost",
            "file://localhost",
            "intent://done",
            "1acme://done",
            "https://shop example",
            "https://shop.example\n",
            "https://[::1",
            "http://localhost.evil.example",
        ],
    )
    def test_is_nothing_else(self, text: str) -> None:
        with pytest.raises(Invalid, match="is not an origin such as"):
            check_origin(text)


class TestAnAllowedOrigin:
    @pytest.mark.parametrize(
        ("origin", "allowed"),
        [
            ("https://shop.example", "https://shop.example"),
            ("https://a.shop.example", "https://*.shop.example"),
            ("https://a.b.shop.example", "https://*.shop.example"),
            ("https://a.shop.example:8443", "https://*.shop.example:8443"),
            ("capacitor://localhost", "capacitor://localhost"),
        ],
    )
    def test_is(self, origin: str, allowed: str) -> None:
        assert is_allowed(origin, ["https://other.example", allowed])

    @pytest.mark.parametrize(
        ("origin", "allowed"),
        [
            ("", "https://*.shop.example"),
            ("null", "https://*.shop.example"),
            ("https://shop.example", "https://*.shop.example"),
            ("https://.shop.example", "https://*.shop.example"),
            ("https://evilshop.example", "https://*.shop.example"),
            ("https://a.shop.example.evil.example", "https://*.shop.example"),
            ("https://a.shop.example:8443", "https://*.shop.example"),
            ("http://a.shop.example", "https://*.shop.example"),
            ("https://evil.example/.shop.example", "https://*.shop.example"),
            ("https://*.shop.example/x", "https://*.shop.example"),
            ("capacitor://evil", "capacitor://localhost"),
        ],
    )
    def test_is_not(self, origin: str, allowed: str) -> None:
        assert not is_allowed(origin, ["https://other.example", allowed])

    @pytest.mark.parametrize(
        ("origin", "says"),
        [
            ("https://shop.example", "pages of https://shop.example"),
            ("https://*.shop.example", "pages of every host below shop.example"),
            ("acme://done", "an app: pages that it shows at acme://done, and returns to it by acme://done"),
        ],
    )
    def test_tells_operators_what_it_permits(self, origin: str, says: str) -> None:
        assert permission_of(origin) == says
