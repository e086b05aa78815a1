from pathlib import Path

import pytest

from tests.shop.knocking import Knocker, knocker


@pytest.fixture
def knock(tmp_path: Path) -> Knocker:
    return knocker(tmp_path)
