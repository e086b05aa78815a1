// The core for apps against a gateway and a browser tab that the test plays.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { Gateway, GatewayError } from "../../../packages/scdk-native/index.js";

const HOST = "https://gateway.example", RETURN = "acme://done", TRX = `TRX_${"a".repeat(32)}`, CODE = "c".repeat(43);
const OPENED = { sessionId: "5".repeat(24), url: `${HOST}/checkout/s/x/` };
const OPEN = { state: "open", settled: true, response: null, error: null };
const LEFT = { state: "done", settled: true, response: null, error: null };
const DONE = { ...LEFT, response: { transactionId: TRX, smallcaseAuthToken: "a.b.c" } };
const BACK = `${RETURN}?transactionId=${TRX}&resultCode=${CODE}`;

/** An app whose tab returns to `back`; `answers` come in their order. */
async function app({ answers, back = BACK, config = {} }) {
  const asked = [], opened = [];
  const gateway = new Gateway({
    open: async (...all) => (opened.push(all), back),
    fetch: async (url, { headers, body }) => {
      asked.push({ path: url.slice(HOST.length), headers, body: JSON.parse(body) });
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      const [status, content] = Array.isArray(answer) ? answer : [200, { success: true, data: answer }];
      return { status, json: async () => content };
    },
  });
  await gateway.setConfigEnvironment({ host: HOST, gatewayName: "acme", returnUrl: RETURN, ...config });
  await gateway.init("head.body.signature");
  return { gateway, asked, opened };
}
const refusal = (promise) => promise.then(() => assert.fail("resolved"), (reason) => reason.toJSON());

test("opens the checkout in a tab and resolves with the result", async () => {
  const { gateway, asked, opened } = await app({ answers: [OPENED, LEFT, DONE] });

  assert.deepEqual(await gateway.triggerTransaction(TRX, null, ["kite"]), DONE.response);

  assert.deepEqual(opened, [[OPENED.url, RETURN]]);
  const [{ body: session, headers }, , { body: outcome }] = asked;
  assert.deepEqual([session.mode, session.redirectUrl, session.brokers, headers.origin], ["redirect", RETURN, ["kite"], RETURN]);
  assert.equal(createHash("sha256").update(outcome.codeVerifier).digest("base64url"), session.codeChallenge);
  assert.equal(outcome.resultCode, CODE);
});

for (const [what, back] of [
  ["the user closes the tab", null],
  ["the tab returns elsewhere", `evil://done?transactionId=${TRX}&resultCode=${CODE}`],
  ["the tab returns with another transaction", `${RETURN}?transactionId=TRX_other&resultCode=${CODE}`],
]) {
  test(`sends no code where ${what}`, async () => {
    const { gateway, asked } = await app({ answers: [OPENED, OPEN], back });

    const { code, data } = await refusal(gateway.triggerTransaction(TRX));

    assert.deepEqual([code, data.state], [1012, "open"]);
    assert.ok(asked.every(({ body }) => !body.resultCode));
  });
}

test("asks again while the network is away, with one key for the result", async () => {
  const { gateway, asked } = await app({ answers: [OPENED, new Error("away"), LEFT, new Error("away"), DONE] });

  await gateway.triggerTransaction(TRX);

  const keys = asked.map(({ headers }) => headers["idempotency-key"]).filter(Boolean);
  assert.deepEqual([keys.length, new Set(keys).size], [2, 1]);
});

for (const [answer, expected] of [
  [[401, { success: false, errorType: "InvalidJWT" }], "invalid_jwt"],
  [[403, { success: false, errorType: "InvalidGateway" }], "invalid_gateway"],
  [[404, { success: false, data: { code: 3002, message: "invalid_transactionId" } }], "invalid_transactionId"],
  [[500, { success: false }], "internal_error"],
]) {
  test(`rejects with ${expected} when the checkout cannot be opened`, async () => {
    const { gateway } = await app({ answers: [answer] });

    assert.equal((await refusal(gateway.triggerTransaction(TRX))).message, expected);
  });
}

test("runs one transaction at a time, and another afterwards", async () => {
  const { gateway } = await app({ answers: [OPENED, LEFT, DONE, OPENED, LEFT, DONE] });
  const first = gateway.triggerTransaction(TRX);

  assert.equal((await refusal(gateway.triggerTransaction(TRX))).message, "transaction_in_process");
  await first;
  assert.deepEqual(await gateway.triggerTransaction(TRX), DONE.response);
});

test("refuses what cannot work before it asks anybody", async () => {
  const { gateway, asked } = await app({ answers: [] });
  const unset = new Gateway({ open: async () => null });

  assert.equal((await refusal(gateway.triggerTransaction("TRX_1"))).code, 3002);
  assert.equal((await refusal(unset.triggerTransaction(TRX))).message, "invalid_gateway");
  assert.equal((await refusal(gateway.init("no-jwt"))).message, "invalid_jwt");
  assert.equal((await refusal(gateway.setConfigEnvironment({ host: HOST, gatewayName: "acme", returnUrl: "acme:" }))).message, "not_allowed");
  assert.equal((await refusal(gateway.logoutUser())).message, "not_supported");
  assert.ok((await gateway.showOrders().catch((reason) => reason)) instanceof GatewayError);
  assert.equal(asked.length, 0);
});
