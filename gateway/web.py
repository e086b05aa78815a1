"""granian's command line, with the gateway loaded before it forks: `python -m gateway.web`, then granian's own words.

What is loaded once is held once: the web's processes share what none of them changes. SIGHUP starts the same code
anew; a new release is a new start.
"""

import gc
import multiprocessing
import sys
from importlib import import_module
from typing import Final

from granian.cli import entrypoint

LOADED: Final = ("gateway.rsgi", "gateway.urls")


def main() -> None:
    if sys.platform == "linux":  # elsewhere a process starts empty, whatever its parent has loaded
        multiprocessing.set_start_method("fork")  # Python 3.14's default is another
        load()
    entrypoint()  # type: ignore[no-untyped-call]  # granian's


def load() -> None:
    """Of what imports make nothing is garbage, and a collection would write into all of it, and so copy it."""
    gc.disable()
    for module in LOADED:
        import_module(module)
    gc.freeze()
    gc.enable()


if __name__ == "__main__":
    main()
