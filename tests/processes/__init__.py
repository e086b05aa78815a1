"""Real processes, killed and starved. What they share asserts as tests do, with both sides shown."""

import pytest

pytest.register_assert_rewrite(*(f"tests.processes.{module}" for module in ("records", "story", "stack", "wire")))
