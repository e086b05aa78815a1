"""Where a fuzzer's process begins: Django is set up before anything that needs it is imported."""

from typing import Any

import django

from gateway.embedded.supervisor import die_with_parent
from tests.fuzz.setting import Setting


def run(setting: Setting, chance: int, wanted: int, done: Any, results: Any) -> None:
    die_with_parent()
    django.setup()
    from tests.fuzz.fuzzer import Fuzzer

    results.put(Fuzzer(setting.known, setting.partner, chance, wanted, done).run())
