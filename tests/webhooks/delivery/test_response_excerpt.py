"""What a receiver sends becomes text; tests/webhooks/receivers/corpus.py has more, over a socket."""

import codecs

import pytest

from webhooks.delivery.response_excerpt import _charset, excerpt


class TestExcerpt:
    def test_asks_python_for_no_unknown_charset(self) -> None:
        """Python would remember each for ever."""
        asked: list[str] = []
        remember = asked.append
        codecs.register(remember)
        try:
            for name in ("klingon", "x" * 8_000, "unicode_escape", "idna"):
                assert excerpt(b"ok", content_type=f"text/plain; charset={name}") == "ok"
        finally:
            codecs.unregister(remember)

        assert asked == []


class TestTheCharset:
    @pytest.mark.parametrize(
        ("content_type", "charset"),
        [
            ("", "utf_8"),
            ("text/plain", "utf_8"),
            ("text/plain; charset=UTF-16", "utf_16"),
            ("text/plain; charset=utf---16", "utf_16"),  # or Python would remember each number of dashes
            ("text/plain; charset=ISO-8859-1", "iso_8859_1"),
            ("text/html; charset='windows-1252'", "windows_1252"),
            ("text/plain; charset=unicode-escape", "utf_8"),
            ("text/plain; charset=raw_unicode_escape", "utf_8"),
            ("text/plain; charset=punycode", "utf_8"),
            ("text/plain; charset=undefined", "utf_8"),
            ("text/plain; charset=klingon", "utf_8"),
        ],
    )
    def test_is_a_known_one_in_one_spelling(self, content_type: str, charset: str) -> None:
        assert _charset(content_type) == charset
