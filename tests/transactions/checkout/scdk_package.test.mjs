// The ES module that loads the gateway's SDK, in a document that the test plays.
import assert from "node:assert/strict";
import { test } from "node:test";

import { loadScdk } from "../../../packages/scdk/index.js";

class scDK {}

function page({ fails = 0 } = {}) {
  const added = [];
  globalThis.window = {};
  globalThis.document = {
    createElement: () => ({ remove() {} }),
    head: {
      append(script) {
        added.push(script.src);
        const isDown = added.length <= fails;
        if (!isDown) window.scDK = scDK;
        setTimeout(() => (isDown ? script.onerror() : script.onload()));
      },
    },
  };
  return added;
}

test("loads the script of its host once, whoever asks", async () => {
  const added = page();

  const loaded = await Promise.all([loadScdk("https://one.example/"), loadScdk("https://one.example")]);

  assert.deepEqual([added, loaded], [["https://one.example/scdk/2.0.0/scdk.js"], [scDK, scDK]]);
});

test("tries again after a failure, which says what to check", async () => {
  const added = page({ fails: 1 });

  await assert.rejects(loadScdk("https://two.example"), /cannot be loaded.*script-src/);

  assert.equal(await loadScdk("https://two.example"), scDK);
  assert.equal(added.length, 2);
});

test("says that it needs a browser", async () => {
  delete globalThis.document;

  await assert.rejects(loadScdk("https://three.example"), /needs a browser/);
});
