"""Looks for private words in prose: python -m checks.plain_english [--lower]

The list of words and their replacements is plain_english.toml. Prose is Markdown, templates, YAML, and the comments and
sentences of Python; code in it does not count. plain_english.baseline has the number of findings in each file that is
not rewritten yet. A file with more than that fails the check; --lower writes smaller numbers, never larger ones. If a
file is moved, move its line as well.
"""

import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from checks.tracked_files import ROOT, tracked_files

LIST: Final = Path(__file__).with_suffix(".toml")
BASELINE: Final = Path(__file__).with_suffix(".baseline")
# Decisions, measurements, releases and migrations are not rewritten; the last two patterns quote the words themselves.
EXEMPT: Final = re.compile(
    r"docs/(adr/|performance\.)|CHANGELOG|(^|.*/)(migrations|vendor)/|checks/plain_english|tests/checks/test_plain_english"
)
MARKDOWN_CODE: Final = re.compile(r"(?ms)^ *```.*?^ *```$|`[^`]+`|\]\([^)]*\)|<[^>]+>")
PYTHON_PROSE: Final = re.compile(
    r'#[^\n]*(?:\n[ \t]*#[^\n]*)*|"""(?:.|\n)*?"""|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
)
PYTHON_CODE: Final = re.compile(r"`[^`]+`|\{[^{}]*\}")
TEMPLATE_CODE: Final = re.compile(r"(?s)\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}|<(script|style)\b.*?</\1>")
TEMPLATE_PROSE: Final = re.compile(r">[^<>]+<|(?:alt|title|placeholder|aria-label)=\"[^\"]*\"")


class Finding(NamedTuple):
    line: int
    words: str
    instead: str


class Phrases(NamedTuple):
    """`any` is one expression for all phrases: searching a file fifty times would take fifty times as long."""

    any: re.Pattern[str]
    each: Sequence[tuple[re.Pattern[str], str]]

    def instead(self, words: str) -> str:
        return next(instead for phrase, instead in self.each if phrase.fullmatch(words))


def main(arguments: Sequence[str]) -> int:
    phrases, baseline = read_phrases(LIST.read_text()), read_baseline(BASELINE.read_text())
    found = {name: list(findings(path.read_text(), name, phrases)) for name, path in _files()}
    if "--lower" in arguments:
        BASELINE.write_text(written(lowered(baseline, found)))
        return main([])
    lines = list(complaints(found, baseline))
    print(*lines, sep="\n", end="\n" if lines else "")
    print(f"{len(found)} files, {sum(map(len, found.values()))} private words, {sum(baseline.values())} allowed.")
    return int(any(len(each) > baseline.get(name, 0) for name, each in found.items()))


def complaints(found: Mapping[str, Sequence[Finding]], baseline: Mapping[str, int]) -> Iterator[str]:
    """The findings in files that have too many, and the files whose baseline can be lowered."""
    for name, each in found.items():
        if len(each) > baseline.get(name, 0):
            yield from (f'{name}:{one.line}: "{one.words}": write "{one.instead}"' for one in each)
            yield f"{name}: {len(each)} private words, {baseline.get(name, 0)} allowed (checks/{BASELINE.name})."
    lower = [name for name, allowed in baseline.items() if len(found.get(name, ())) < allowed]
    if lower:
        yield f"The baseline of {', '.join(lower)} can be lowered: python -m checks.plain_english --lower"


def lowered(baseline: Mapping[str, int], found: Mapping[str, Sequence[Finding]]) -> dict[str, int]:
    """Never above the old number. Files that are clean or gone are dropped."""
    counts = {name: min(allowed, len(found.get(name, ()))) for name, allowed in baseline.items()}
    return {name: count for name, count in counts.items() if count}


def findings(text: str, name: str, phrases: Phrases) -> Iterator[Finding]:
    prose = prose_of(text, Path(name).suffix).lower()
    for match in phrases.any.finditer(prose):
        yield Finding(
            prose.count("\n", 0, match.start()) + 1, " ".join(match.group().split()), phrases.instead(match.group())
        )


def prose_of(text: str, suffix: str) -> str:
    """`text` with code blanked out and all lines kept."""
    return PROSE[suffix](text)


def read_phrases(text: str) -> Phrases:
    tables: dict[str, dict[str, str]] = tomllib.loads(text)
    pairs = [(phrase.replace(" ", r"\s+"), instead) for table in tables.values() for phrase, instead in table.items()]
    alternatives = "|".join(phrase for phrase, _ in pairs)
    return Phrases(
        any=re.compile(rf"\b(?:{alternatives})\b"),
        each=[(re.compile(phrase), instead) for phrase, instead in pairs],
    )


def read_baseline(text: str) -> dict[str, int]:
    lines = (line.split(maxsplit=1) for line in text.splitlines())
    return {name: int(count) for count, name in lines}


def written(baseline: Mapping[str, int]) -> str:
    return "".join(f"{count:4} {name}\n" for name, count in sorted(baseline.items()))


def _files() -> Iterator[tuple[str, Path]]:
    names = ((path.relative_to(ROOT).as_posix(), path) for path in tracked_files())
    return ((name, path) for name, path in names if path.suffix in PROSE and not EXEMPT.match(name))


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", "\0", text)


def _without(code: re.Pattern[str], text: str) -> str:
    return code.sub(lambda match: _blank(match.group()), text)


def _only(prose: re.Pattern[str], text: str) -> str:
    parts, end = [], 0
    for match in prose.finditer(text):
        # A string without a space is a name, not a sentence.
        kept = match.group() if " " in match.group() else _blank(match.group())
        parts += [_blank(text[end : match.start()]), kept]
        end = match.end()
    return "".join([*parts, _blank(text[end:])])


def _of_python(text: str) -> str:
    """Joins the lines of a comment, so that phrases are found across lines."""
    return _without(PYTHON_CODE, _only(PYTHON_PROSE, text)).replace("#", " ")


def _of_template(text: str) -> str:
    return _only(TEMPLATE_PROSE, _without(TEMPLATE_CODE, text))


def _of_markdown(text: str) -> str:
    return _without(MARKDOWN_CODE, text)


PROSE: Final[Mapping[str, Callable[[str], str]]] = {
    ".md": _of_markdown,
    ".py": _of_python,
    ".html": _of_template,
    ".yml": str,
    ".yaml": str,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
