"""docs/screenshots has one small picture for each scene; `make screenshots` writes them again."""

from tests.browser.scenes import SCENES
from tests.browser.screenshots import FOLDER, LOOKS

LARGEST = 80_000  # bytes
ALL = 2_500_000  # bytes


class TestThePictures:
    def test_are_those_of_the_scenes(self) -> None:
        wanted = {f"{scene}-{look.device}-{look.scheme}.png" for scene in SCENES for look in LOOKS}

        assert {path.name for path in FOLDER.iterdir()} == wanted

    def test_are_small(self) -> None:
        sizes = {path.name: path.stat().st_size for path in FOLDER.iterdir()}

        assert {name: size for name, size in sizes.items() if size >= LARGEST} == {}
        assert sum(sizes.values()) < ALL
