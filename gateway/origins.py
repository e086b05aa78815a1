"""Browser origins: scheme, host and port, nothing else."""

from urllib.parse import urlsplit

from gateway.errors import Invalid


def check_origin(text: str) -> str:
    """The origin as a browser sends it (RFC 6454); https, or http on this machine."""
    parts = urlsplit(text)
    local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    plain = not (parts.path or parts.query or parts.fragment or parts.username)
    if not plain or not parts.hostname or parts.scheme not in ({"http", "https"} if local else {"https"}):
        raise Invalid(f"{text} is not an origin such as https://shop.example.")
    return text.lower()
