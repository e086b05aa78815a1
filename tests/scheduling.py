"""Which tests a process of a run takes together: those of a file, or of a folder that shares a gateway."""

from typing import Final

from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

# A gateway and a browser, or a PostgreSQL, serve all tests of these.
SHARED: Final = ("tests/browser/checkout/", "tests/browser/desk/", "tests/browser/", "tests/processes/")


class ByFolderOrFile(LoadFileScheduling):  # type: ignore[misc]
    """xdist's, with another scope for those folders."""

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in SHARED if nodeid.startswith(folder)), nodeid.partition("::")[0])
