"""docs/configuration.md has a row for every variable that the gateway reads, and for no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
TEXT: Final = (ROOT / "docs/configuration.md").read_text()
READERS: Final = ("gateway/settings.py", "gateway/management/commands/up.py")
FUNCTIONS: Final = re.compile(r"env\.(?!refuse)\w+|os\.environ\.(get|setdefault)")


def variables_in(path: str) -> Iterator[str]:
    """The names that a module passes to `env` or `os.environ`."""
    for call in ast.walk(ast.parse((ROOT / path).read_text())):
        match call:
            case ast.Call(func=function, args=[ast.Constant(value=str(name)), *_]):
                if FUNCTIONS.fullmatch(ast.unparse(function)):
                    yield name


def documented() -> list[str]:
    first_cells = re.findall(r"(?m)^\| ([^|]*) \|", TEXT)
    return [name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)]


class TestTheTables:
    def test_have_a_row_for_each_setting_and_no_other(self) -> None:
        read = {name for path in READERS for name in variables_in(path)}

        assert "GATEWAY_ENV" in read
        assert sorted(read - set(documented())) == []
        assert sorted(set(documented()) - read) == []

    def test_have_each_setting_once(self) -> None:
        names = documented()

        assert sorted({name for name in names if names.count(name) > 1}) == []
