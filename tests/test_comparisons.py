"""Secrets are compared in time that tells nothing: `hmac.compare_digest`, never `==` or `in`."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
APPS: Final = ("gateway", "brokers", "webhooks", "smallcases", "transactions", "shop")
SECRET: Final = re.compile(r"secret|token|signature|checksum|password|digest|hmac|nonce|\bpin\b|api_key", re.IGNORECASE)
TELLING: Final = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)
# Named like a secret, but public (the prefix of test PINs), or compared on the terminal of the person who knows it.
NOT_SECRET: Final = frozenset({"pin == PIN_PREFIX", "digest in forms", "value == secret.strip()"})


def telling(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of comparisons that take longer the more of a secret is right. A constant is no secret."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and any(isinstance(operator, TELLING) for operator in node.ops):
            sides = [node.left, *node.comparators]
            names = [ast.unparse(side) for side in sides if not isinstance(side, ast.Constant)]
            if len(names) == len(sides) and any(SECRET.search(name) for name in names):
                yield node.lineno, ast.unparse(node)


class TestNoComparison:
    def test_of_a_secret_tells_how_much_of_it_is_right(self) -> None:
        files = [path for app in APPS for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts]

        found = [(str(path.relative_to(ROOT)), *hit) for path in files for hit in telling(path.read_text())]

        assert [hit for hit in found if hit[2] not in NOT_SECRET] == []

    @pytest.mark.parametrize("line", ["given == api_secret", "self.token != row.key", "secret in secrets_of(gateway)"])
    def test_of_this_kind_is_overlooked(self, line: str) -> None:
        assert [hit for _, hit in telling(line)] == [line]

    @pytest.mark.parametrize("line", ["token == ''", "secret is None", "compare_digest(token, secret)", "a == b"])
    def test_of_a_harmless_kind_is_suspected(self, line: str) -> None:
        assert list(telling(line)) == []
