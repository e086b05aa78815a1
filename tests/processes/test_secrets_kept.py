"""The search itself: what it would miss is missed in silence."""

import base64
import html
import json
from urllib.parse import quote

import pytest

from tests.processes.secrets_kept import Places, handed_out

SECRET = 'whsec_a+/b"c&d=4c9f0e7b81'
WAYS = {
    "as it is": f"secret={SECRET}.",
    "in JSON": json.dumps({"secret": SECRET}),
    "in a URL": f"https://x.example/?secret={quote(SECRET, safe='')}&x=1",
    "in a page": f"<p>{html.escape(SECRET)}</p>",
    **{
        f"in base64, {before} bytes in": base64.b64encode(b"." * before + SECRET.encode() + b"...").decode()
        for before in range(6)
    },
}


class TestTheSearch:
    @pytest.mark.parametrize("text", WAYS.values(), ids=WAYS)
    def test_finds_a_secret_however_it_is_written(self, text: str) -> None:
        places = Places()
        places.keep("log", "nothing here", text)
        places.keep("queue", "nothing here")

        assert places.with_any({"webhook secret": SECRET}) == {"log": {"webhook secret"}}

    def test_finds_nothing_in_half_of_one(self) -> None:
        places = Places()
        places.keep("log", SECRET[:12])

        assert places.with_any({"webhook secret": SECRET}) == {}

    def test_finds_what_is_sealed(self) -> None:
        places = Places()
        places.keep("console", f"<p>gAAAAA{'x' * 60}</p>")

        assert list(places.with_sealed()) == ["console"]

    def test_excuses_the_tokens_that_the_contract_hands_out_and_no_others(self) -> None:
        answer = {"data": [{"smallcaseAuthToken": "a.b.c", "notes": "d.e.f"}], "smallcaseAuthToken": None}

        assert list(handed_out(answer)) == ["a.b.c"]
