"""Private words are found in prose and not in code, and the number of them in a file can only fall."""

import pytest

from checks import plain_english
from checks.plain_english import Finding, complaints, findings, lowered, main, prose_of, read_phrases

PHRASES = read_phrases(
    """
[vocabulary]
'bells?' = "wake-up message"
'stands? in' = "is"
"""
)
PYTHON = '''"""A bell wakes the worker."""

# The number of the row stands
# in the bell.
bell = {"bell": bells(`bell`)}
raise Refused(f"The bell of {bell} is late.")
'''
ONE, TWO = [Finding(1, "bell", "wake-up message")], [Finding(1, "bell", "wake-up message")] * 2


def found(text: str, name: str) -> list[tuple[int, str]]:
    return [(finding.line, finding.words) for finding in findings(text, name, PHRASES)]


class TestAFinding:
    def test_in_python_is_in_a_comment_or_a_sentence(self) -> None:
        assert found(PYTHON, "a.py") == [(1, "bell"), (3, "stands in"), (4, "bell"), (6, "bell")]

    def test_in_markdown_is_not_in_code_or_a_link(self) -> None:
        text = "A Bell, `bell`, [the bell](bell.md)\n```\nbell\n```\nIt stands\nin bells.\n"

        assert found(text, "a.md") == [(1, "bell"), (1, "bell"), (5, "stands in"), (6, "bells")]

    def test_in_a_template_is_in_the_text_that_people_read(self) -> None:
        text = '<p class="bell x">{{ bell }} a bell</p>\n<img alt="A bell" src="bell a">{% if bell %}{% endif %}'

        assert found(text, "a.html") == [(1, "bell"), (2, "bell")]

    def test_in_yaml_is_anywhere(self) -> None:
        assert found("summary: Bells wait.\n", "a.yml") == [(1, "bells")]

    def test_is_a_whole_word(self) -> None:
        assert found("A doorbell, labelled.\n", "a.md") == []

    def test_has_its_replacement(self) -> None:
        assert next(findings("It stands in a row.", "a.md", PHRASES)).instead == "is"

    @pytest.mark.parametrize("suffix", plain_english.PROSE)
    def test_keeps_its_line(self, suffix: str) -> None:
        assert prose_of("a\n" * 7, suffix).count("\n") == 7


class TestTheBaseline:
    def test_allows_what_it_counts(self) -> None:
        assert list(complaints({"a.md": TWO}, {"a.md": 2})) == []

    def test_does_not_allow_one_more(self) -> None:
        assert list(complaints({"a.md": TWO, "b.md": ONE}, {"a.md": 1, "b.md": 1})) == [
            'a.md:1: "bell": write "wake-up message"',
            'a.md:1: "bell": write "wake-up message"',
            "a.md: 2 private words, 1 allowed (checks/plain_english.baseline).",
        ]

    def test_that_can_be_lowered_is_named(self) -> None:
        (line,) = complaints({"a.md": ONE}, {"a.md": 2, "gone.md": 1})

        assert line.startswith("The baseline of a.md, gone.md can be lowered: ")

    def test_is_lowered_and_never_raised(self) -> None:
        assert lowered({"a.md": 2, "b.md": 1, "gone.md": 3}, {"a.md": ONE, "b.md": TWO, "new.md": ONE}) == {
            "a.md": 1,
            "b.md": 1,
        }


class TestTheCheck:
    def test_is_green_here(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([]) == 0, capsys.readouterr().out
