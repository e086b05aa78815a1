"""The code beside each step: cut out of the very functions that run, so that it cannot say anything else."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from shop import partner, webhook

WEB: Final = Path(__file__).parent / "web"
NODE: Final = Path(__file__).parent / "node" / "partner.mjs"
CHECKOUT: Final = WEB / "checkout.js"


@dataclass(frozen=True, slots=True)
class Step:
    """`page`: it runs in the browser, so there is one language of it."""

    title: str
    python: tuple[Callable[..., Any], ...] = ()
    javascript: tuple[str, ...] = ()
    page: tuple[str, ...] = ()


_CREATE: Final = ("createTransaction", "call")
STEPS: Final = {
    "basket": Step(
        "Create the transaction",
        (partner.buy_basket, partner.create_transaction, partner.call, partner.send),
        ("buyBasket", *_CREATE),
    ),
    "token": Step("Sign the page's token", (partner.token_for,), ("tokenFor",)),
    "checkout": Step("Open the checkout", page=("trigger",)),
    "connect": Step("Know who logged in", (partner.auth_id_in,), ("authIdIn",)),
    "catalogue": Step("List the smallcases", (partner.smallcases,), ("smallcases",)),
    "buy": Step(
        "Create the transaction",
        (partner.buy_smallcase, partner.create_transaction, partner.call, partner.send),
        ("buySmallcase", *_CREATE),
    ),
    "investments": Step("Ask what can be done", (partner.investments,), ("investments",)),
    "order": Step("Order on an investment", (partner.order_on,), ("orderOn",)),
    "signature": Step("Verify the signature", (webhook.verify_signature,), ("verifySignature", "same")),
    "checksum": Step("Verify the checksum", (webhook.verify_checksum,), ("verifyChecksum",)),
}
BESIDE: Final = {
    "stocks": ("basket", "token", "checkout", "connect"),
    "smallcases": ("catalogue", "buy", "checkout"),
    "investments": ("investments", "order", "checkout"),
    "webhooks": ("signature", "checksum"),
}


@cache
def snippets() -> dict[str, list[dict[str, str]]]:
    """By tab, in the order of the steps."""
    return {tab: [_code_of(STEPS[name]) for name in names] for tab, names in BESIDE.items()}


def python_of(step: Step) -> str:
    return "\n\n".join(inspect.getsource(function) for function in step.python)


def javascript_of(step: Step) -> str:
    return "\n".join(_cut(NODE, name) for name in step.javascript)


def _code_of(step: Step) -> dict[str, str]:
    if step.page:
        return {"title": step.title, "page": "\n".join(_cut(CHECKOUT, name) for name in step.page)}
    return {"title": step.title, "python": python_of(step), "javascript": javascript_of(step)}


def _cut(file: Path, name: str) -> str:
    """A function with the comment above it, to the brace that closes it at the line's beginning."""
    pattern = rf"^((?:/\*\*[^\n]*\*/\n)?(?:export )?(?:async )?function {name}\(.*?^}}\n)"
    found = re.search(pattern, file.read_text(), re.MULTILINE | re.DOTALL)
    if found is None:
        raise LookupError(f"{file.name} has no function {name}.")
    return found[1]
