from pathlib import Path
from typing import Protocol

import pytest


class Write(Protocol):
    def __call__(self, text: str | bytes, name: str = ...) -> Path: ...


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A file of this text."""

    def written(text: str | bytes, name: str = "smallcases.json") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return written
