"""A partner's page on an origin of its own: static, with the SDK and a button."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final

PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>A partner</title>
<link rel="icon" href="data:,">
<h1>A partner</h1>
<button id="go">Invest</button><button id="again">Invest again</button>
<div id="place" style="height: 720px"></div>
<script src="{base}/scdk/2.0.0/scdk.js"></script>
<script>
  // `setup` is put here by the test: the SDK's options, what to trigger, and whether to do it without a click.
  window.heard = [];
  addEventListener("message", (event) => heard.push({{ origin: event.origin, data: event.data }}));
  const settle = (promise, name) =>
    promise.then((done) => (window[name] = {{ done }}), (failed) => (window[name] = {{ failed: failed.toJSON() }}));
  window.begin = (name) => settle(sdk.triggerTransaction(setup.trigger), name);
  document.querySelector("#go").onclick = () => begin("result");
  document.querySelector("#again").onclick = () => begin("second");
  if (window.setup) {{
    window.sdk = new scDK(setup.options);
    if (setup.unasked) begin("result");
    if (new URLSearchParams(location.search).has("transactionId")) settle(sdk.outcome(), "result");
  }}
</script>
</html>
"""


class PartnerSite:
    """Served at http://localhost:PORT, while the gateway is at 127.0.0.1: another site for the browser."""

    def __init__(self, base: str) -> None:
        self.page = PAGE.format(base=base).encode()

    def __enter__(self) -> "PartnerSite":
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.server.server_address[1]}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        page = self.page

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/html; charset=utf-8")
                self.send_header("content-length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *_: object) -> None:
                """Silent."""

        return Handler
