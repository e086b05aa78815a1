"""Paths, queries and methods that are none; and what an operator's browser could be made to ask."""

from random import Random
from urllib.parse import quote as percent_encoded

from tests.fuzz.drafts import Request, draft, one_of
from tests.fuzz.known import Known
from tests.fuzz.words import CONSOLE, METHODS, MOST, NUMBERS, WORDS


def quote(text: str) -> str:
    """Lone surrogates too, which no URL should hold."""
    return percent_encoded(text.encode("utf-8", "surrogatepass"), safe="")


def query(chance: Random, known: Known) -> Request:
    """Values that are none, repeated, unescaped, or far too many."""
    made = draft(chance, known)
    names = [chance.choice(known.queries) for _ in range(chance.choice([1, 1, 2, 5]))]
    pairs = [f"{quote(name)}={_query_value(chance)}" for name in names for _ in range(chance.choice([1, 1, 1, 3, 400]))]
    text = chance.choice(["&", "&", "&", ";", "&&"]).join(pairs)
    return made.request(target=(made.target + "?" + text)[:MOST].encode("utf-8", "surrogatepass"))


def _query_value(chance: Random) -> str:
    word = chance.choice(WORDS)[:2_000]
    return one_of(
        chance,
        lambda: quote(word),
        lambda: "".join(f"%{byte:02x}" for byte in chance.randbytes(chance.randint(1, 12))),
        lambda: quote(str(chance.choice(NUMBERS))[:500]),
        lambda: chance.choice(["%", "%zz", "%u0041", "%c0%af", "%00", "%0d%0aSet-Cookie:%20x=1", "+", ""]),
    )


def path(chance: Random, known: Known) -> Request:
    made = draft(chance, known)
    parts = made.target.split("/")
    parts[chance.randrange(len(parts))] = chance.choice(
        [
            "..",
            ".",
            "%2e%2e",
            "%2f",
            "%5c",
            "%00",
            "%c0%ae",
            "",
            "%ff",
            ";x=1",
            "*",
            quote(chance.choice(WORDS)[:300]),
        ]
    )
    spoilt_path = "/".join(parts)
    target = chance.choice(
        [
            spoilt_path,
            "//" + made.target,
            made.target + "/",
            made.target + "%20",
            made.target + "#x",
            made.target.upper(),
            made.target + "/../" * chance.choice([1, 100]),
            f"http://evil.example{made.target}",
            f"http://{known.host}:{known.port}{made.target}",
            "*",
            made.target + "x" * chance.choice([10, 3_000, 40_000]),
            "/static/" + spoilt_path,
            "/static/..%2f..%2fgateway/settings.py",
            "/static/admin/css/%2e%2e/%2e%2e/%2e%2e/gateway/settings.py",
            f"/api/schema/?format={quote(chance.choice(WORDS)[:100])}&lang={quote(chance.choice(WORDS)[:100])}",
            f"/api/docs/?script&lang={quote(chance.choice(WORDS)[:100])}&version={quote(chance.choice(WORDS)[:100])}",
            f"/{chance.choice(['healthz', 'readyz', 'metrics'])}?{_query_value(chance)}",
        ]
    )
    return made.request(target=target.encode("utf-8", "surrogatepass").replace(b" ", b"%20"))


def method(chance: Random, known: Known) -> Request:
    return draft(chance, known).request(method=chance.choice(METHODS))


def console(chance: Random, known: Known) -> Request:
    """What an operator's browser could be made to ask."""
    page = chance.choice(known.pages)
    query = "&".join(f"{chance.choice(CONSOLE)}={_query_value(chance)}" for _ in range(chance.randint(1, 3)))
    path = chance.choice([page, page, f"{page}{quote(chance.choice(WORDS)[:100])}/change/", f"{page}1/history/"])
    headers = ((b"Cookie", known.cookie.encode()),) if chance.random() < 0.8 else ()
    if chance.random() < 0.3:
        form = (b"content-type", b"application/x-www-form-urlencoded")
        fields = "&".join(
            f"{quote(chance.choice((*CONSOLE, 'action', 'index')))}={_query_value(chance)}" for _ in range(4)
        )
        return Request("POST", path.encode(), (*headers, form), f"username=x&{fields}".encode())
    return Request("GET", f"{path}?{query}".encode(), headers)
