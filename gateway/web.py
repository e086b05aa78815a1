"""Starts granian with the gateway loaded before it forks: `python -m gateway.web`, then granian's arguments.

The web processes share the memory of loaded code that they do not change. SIGHUP restarts with the same code; for a
new release, start again.
"""

import gc
import multiprocessing
import sys
from importlib import import_module
from typing import Final

from granian.cli import entrypoint

LOADED: Final = ("gateway.rsgi", "gateway.urls")


def main() -> None:
    if sys.platform == "linux":  # on other systems a new process shares nothing with its parent
        multiprocessing.set_start_method("fork")  # no longer the default in Python 3.14
        load()
    entrypoint()  # type: ignore[no-untyped-call]  # granian's


def load() -> None:
    """Freezes the loaded objects: a garbage collection would write to all of them and thereby copy them."""
    gc.disable()
    for module in LOADED:
        import_module(module)
    gc.freeze()
    gc.enable()


if __name__ == "__main__":
    main()
