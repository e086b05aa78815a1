"""Bodies that are wrong: in one place, in their bytes, or in what they say they are."""

import gzip
from random import Random
from typing import Any

from tests.fuzz.drafts import Request, draft, dumped, one_of
from tests.fuzz.known import Known
from tests.fuzz.words import MOST, NUMBERS, TYPES, WORDS


def a_value(chance: Random, known: Known) -> Any:
    """Anything JSON can hold, and what Python's writer lets through beside it."""
    inner = _plain(chance)
    return one_of(
        chance,
        lambda: inner,
        lambda: inner,
        lambda: [inner] * chance.choice([0, 1, 300]),
        lambda: {},
        lambda: {chance.choice(known.fields): inner, chance.choice(WORDS): 1},
    )


def _plain(chance: Random) -> Any:
    return chance.choice([chance.choice(WORDS), chance.choice(NUMBERS), None, True, False, float("nan"), float("inf")])


def spoilt(value: Any, chance: Random, known: Known) -> Any:
    """The value with one thing in it replaced, added or taken away."""
    if isinstance(value, dict) and value and chance.random() < 0.8:
        name = chance.choice(list(value))
        wanted = chance.random()
        if wanted < 0.15:
            return {key: inner for key, inner in value.items() if key != name}
        if wanted < 0.3:
            return value | {chance.choice((*known.fields, *WORDS)): a_value(chance, known)}
        return value | {name: spoilt(value[name], chance, known)}
    if isinstance(value, list) and value and chance.random() < 0.8:
        at = chance.randrange(len(value))
        return [*value[:at], spoilt(value[at], chance, known), *value[at + 1 :]]
    return a_value(chance, known)


def spoilt_body(chance: Random, known: Known) -> Request:
    made = draft(chance, known, with_body=True)
    body = made.body
    for _ in range(chance.randint(1, 4)):
        body = spoilt(body, chance, known)
    return made.request(body=dumped(body))


def raw_body(chance: Random, known: Known) -> Request:
    """What is no JSON, or JSON that a parser may stumble over."""
    made = draft(chance, known, with_body=True)
    whole = dumped(made.body)
    depth, name = chance.choice([500, 5_000, 30_000]), dumped(chance.choice(known.fields))
    body = one_of(
        chance,
        lambda: whole[: chance.randrange(len(whole))],
        lambda: whole.decode().encode("utf-16"),
        lambda: b"\xef\xbb\xbf" + whole,
        lambda: whole.replace(b"INFY", b"\xff\xfe\xed\xa0\x80"),
        lambda: b"[" * depth,
        lambda: b"[" * depth + b"]" * depth,
        lambda: b'{"a":' * depth + b"1" + b"}" * depth,
        lambda: b"{" + name + b":" + b"9" * chance.choice([400, 4_400, 50_000]) + b"}",
        lambda: b"{" + name + b":1e" + b"9" * chance.choice([1, 3, 10, 4_400]) + b"}",
        lambda: b"{" + name + b": NaN, " + name + b": -Infinity}",
        lambda: b"{" + b",".join(name + b":1" for _ in range(2_000)) + b"}",
        lambda: b'{"intent": "\\u0000\\ud800", "notes": "\\udfff\\u0000"}',
        lambda: gzip.compress(whole, mtime=0),
        lambda: chance.randbytes(chance.randint(1, 4_000)),
        lambda: b"x" * MOST,
        lambda: b" " * 60_000 + whole,
        lambda: b"intent=TRANSACTION&orderConfig[type]=BUY",
        lambda: b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n1\r\n--x--',
    )
    return made.request(body=body)


def wrong_type(chance: Random, known: Known) -> Request:
    made = draft(chance, known, with_body=True)
    return made.request(headers=made.encoded(content_type=chance.choice(TYPES)))
