"""Each invariant is broken by hand and has to be named, and nothing else; the world it is broken in is sound.

Their asserts show both sides, as those of tests do.
"""

import pytest

pytest.register_assert_rewrite("tests.invariants.world")
