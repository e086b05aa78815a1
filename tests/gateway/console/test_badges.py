"""States at a glance."""

import pytest

from gateway.console.badges import badge


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("ERROR", '<span class="badge bad">ERROR</span>'),
        ("PARTIALLYFILLED", '<span class="badge warn">PARTIALLYFILLED</span>'),
        ("COMPLETE", '<span class="badge good">COMPLETE</span>'),
        ("GIVEN_UP", '<span class="badge bad">GIVEN UP</span>'),
        ("QUEUED", '<span class="badge plain">QUEUED</span>'),
        ("<b>", '<span class="badge plain">&lt;b&gt;</span>'),
    ],
)
def test_a_state_has_the_colour_of_what_it_asks(word: str, shown: str) -> None:
    assert badge(word) == shown
