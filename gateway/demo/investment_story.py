"""One investment from its first BUY to its exit. Each step is checked against the contract and printed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from django.core.management import call_command

from gateway.demo.narrator import ARRIVES_WITHIN, Telling

SCID: Final = "SCMA_0001"
CLIENT: Final = "rich-investor"
AMOUNT: Final = 500_000


@dataclass
class Investor(Telling):
    """A user of the partner; token and iscid are known after the first order."""

    token: str = ""
    iscid: str = ""

    def play(self) -> None:
        """Raises Unexpected at the first step that differs from the contract."""
        self.out.print(f"\n[bold]5. An investment in {SCID}, from its first BUY to its exit[/bold]")
        self._buy()
        self._order("INVESTMORE", {"amount": AMOUNT})
        self._rebalance()
        self._sip()
        self._fill_partly_and_fix()
        self._manage()
        self._exit()

    def _buy(self) -> None:
        transaction_id = self.partner.create_order({"type": "BUY", "scid": SCID})
        response = self.partner.play_user(transaction_id, CLIENT, wait=20, amount=AMOUNT)
        self.token, self.iscid = response["smallcaseAuthToken"], response["iscid"]
        batch = self._completed(response["orderBatches"][0]["batchId"], "BUY")
        held = {order["tradingsymbol"]: order["filledQuantity"] for order in batch["orders"]}
        self._check("holdings are the filled shares", held, self._shares())
        shares = ", ".join(f"{count} {ticker}" for ticker, count in held.items())
        self._step(f"guest bought for ₹{batch['buyAmount']:,.2f}: iscid [cyan]{self.iscid}[/cyan], {shares}")

    def _order(self, kind: str, chosen: Mapping[str, Any], *, label: str = "", **user: Any) -> dict[str, Any]:
        order = {"type": kind, "iscid": self.iscid, **chosen}
        transaction_id = self.partner.create_order(order, token=self.token)
        response = self.partner.play_user(transaction_id, CLIENT, wait=20, **user)
        self._check("iscid of the SDK response", self.iscid, response["iscid"])
        batch = self._completed(response["orderBatches"][0]["batchId"], label or kind)
        self._step(f"{batch['label']}: bought ₹{batch['buyAmount']:,.2f}, sold ₹{batch['sellAmount']:,.2f}")
        return batch

    def _completed(self, batch_id: str, label: str) -> dict[str, Any]:
        hits = self.receiver.wait_for(
            batch_id, lambda arrived: "order.completed" in [hit.event for hit in arrived], seconds=ARRIVES_WITHIN
        )
        batch = self.partner.smallcase_orders(batch_id)
        self._check(f"{label} and its batch", (label, "COMPLETED"), (batch["label"], batch["status"]))
        received = [(hit.event, hit.body["iscid"]) for hit in hits]
        wanted = [("order.placed", batch["iscid"]), ("order.completed", batch["iscid"])]
        self._check(f"webhooks of {label}", wanted, received)
        return batch

    def _rebalance(self) -> None:
        published = self._publish()
        pending = self._action("REBALANCE", "rebalance")
        self._check("the version to rebalance to", published, pending["version"])
        self._order("REBALANCE", {})
        investment = self._investment()
        advice = investment["version"], investment["recommendedAction"]
        self._check("version and recommended orders", (published, None), advice)
        self._step(f"the investment is on version {published}")

    def _publish(self) -> int:
        """A manager exchanges the weights of two stocks; returns the number of the new version."""
        smallcase = self.partner.smallcase(SCID)
        lines = smallcase["constituents"]
        weights = [round(line["weight"] * 100, 4) for line in lines]
        turned = [{"ticker": a["ticker"], "weight": w} for a, w in zip(lines, weights[1:] + weights[:1], strict=True)]
        with TemporaryDirectory() as folder:
            file = Path(folder) / "rebalance.json"
            file.write_text(json.dumps(turned))
            call_command("publish_rebalance", SCID, str(file), label="Demo", stdout=StringIO())
        self._step(f"a manager published version {smallcase['version'] + 1} of {SCID}")
        return int(smallcase["version"]) + 1

    def _sip(self) -> None:
        today = date.fromisoformat(self.partner.advance_clock("PT0S")[:10])
        first = today + timedelta(days=31)
        transaction_id = self.partner.create_errand("SIP_SETUP", token=self.token, iscid=self.iscid)
        wish = {"amount": AMOUNT, "frequency": "1m", "scheduledDate": first.isoformat()}
        details = self.partner.play_user(transaction_id, CLIENT, wait=0, sip=wish)["sipDetails"]
        self._check("the SIP's first date", first.isoformat(), details["scheduledDate"])
        self.partner.advance_clock("P31D")
        self._step(f"SIP of ₹{AMOUNT:,} a month set up for {first}; the clock moved forward by 31 days")
        self._action("SIP", "sip")
        self._order("SIP", {})
        self._check("SIPs still due", [], self._actions()["sip"])

    def _fill_partly_and_fix(self) -> None:
        self.partner.set_hours("closed")
        order = {"type": "INVESTMORE", "iscid": self.iscid, "amount": AMOUNT}
        transaction_id = self.partner.create_order(order, token=self.token)
        response = self.partner.play_user(transaction_id, CLIENT, wait=0, amo=True)
        (batch,) = response["orderBatches"]
        self._check("variety after hours", "amo", batch["variety"])
        self.partner.act(batch["batchId"], batch["orders"][0]["tradingsymbol"], "partial")
        self.partner.set_hours("always")
        self._step("INVESTMORE after hours (AMO); one order fills in part when the market opens")
        fix = self._action("FIX", "fix")
        self._check("the batch to fix", (batch["batchId"], "INVESTMORE"), (fix["batchId"], fix["originalLabel"]))
        self._order("FIX", {})
        self._check("orders left to fix", [], self._actions()["fix"])

    def _manage(self) -> None:
        wanted = {ticker: shares + 1 for ticker, shares in self._shares().items()}
        lines = [{"ticker": ticker, "shares": shares} for ticker, shares in wanted.items()]
        self._order("MANAGE", {"constituents": lines})
        self._check("manually chosen shares", wanted, self._shares())

    def _exit(self) -> None:
        self._order("EXIT", {"exit": {"percent": 50}}, label="PARTIALEXIT")
        self._order("EXIT", {}, label="SELLALL")
        self._check("live investments", [], self.partner.investments(self.iscid, token=self.token))
        (gone,) = self.partner.exited(token=self.token)
        self._check("exited", self.iscid, gone["iscid"])
        self._step(f"exited; total returns ₹{gone['returns']['totalReturns']:,.2f}")

    def _action(self, kind: str, name: str) -> dict[str, Any]:
        """The pending action, which webhook and API must both report."""
        received = self.receiver.wait_for_action(kind, self.iscid, seconds=ARRIVES_WITHIN)
        pending = self._actions()[name]
        self._check(f"{kind} pending, by webhook and API", [True, 1], [received is not None, len(pending)])
        self._step(f"{kind} pending: webhook [green]action.pending[/green] and API agree")
        return dict(pending[0])

    def _investment(self) -> dict[str, Any]:
        (one,) = self.partner.investments(self.iscid, token=self.token)
        return dict(one["investment"])

    def _actions(self) -> dict[str, Any]:
        (one,) = self.partner.investments(self.iscid, token=self.token)
        return dict(one["actions"])

    def _shares(self) -> dict[str, int]:
        return {line["ticker"]: line["shares"] for line in self._investment()["currentConfig"]["constituents"]}
