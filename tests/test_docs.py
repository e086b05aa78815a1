"""The documents link to files and headings that exist, and the front page leads to each document."""

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
DOCUMENTS: Final = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/adr/*.md")])
MAX_README_LINES: Final = 130


def links_in(document: Path) -> list[str]:
    """Relative links and pictures, with their anchors."""
    text = document.read_text()
    found = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|srcset)="([^"]+)"', text)
    return [link for link in found if not re.match(r"https?:", link)]


def anchors_in(document: Path) -> set[str]:
    headings = re.findall(r"(?m)^#+ (.+)$", document.read_text())
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leads_somewhere(document: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (document.parent / path).resolve() if path else document
    return target.exists() and (not anchor or anchor in anchors_in(target))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_link_leads_to_a_file_and_heading_that_exist(document: Path) -> None:
    assert [link for link in links_in(document) if not leads_somewhere(document, link)] == []


def test_the_readme_is_one_page() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= MAX_README_LINES


def test_the_front_page_leads_to_each_document() -> None:
    front = ROOT / "docs/README.md"
    linked = {(front.parent / link.partition("#")[0]).resolve() for link in links_in(front)}
    wanted = {path for path in DOCUMENTS if path.parent != ROOT / "docs/adr"} - {front}

    assert sorted(str(path.relative_to(ROOT)) for path in wanted - linked) == []
