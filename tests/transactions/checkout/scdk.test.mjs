// The SDK against a page and a gateway that the test plays. `node --test` runs it; test_sdk.py does so from pytest.
import assert from "node:assert/strict";
import { createHash, randomBytes, webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import vm from "node:vm";

const SOURCE = readFileSync(new URL("../../../transactions/checkout/sdk/scdk.js", import.meta.url), "utf8");
const HOST = "https://gateway.example";
const TRX = `TRX_${"a".repeat(32)}`;
const TOKEN = "head.body.signature";
const OPENED = { sessionId: "5".repeat(24), url: `${HOST}/checkout/s/x/`, expireAt: "2026-11-20T10:15:00.000Z",
                 now: "2026-11-20T10:00:00.000Z" };
const OPEN = { state: "open", settled: true, response: null, error: null };
const DONE = { state: "done", settled: true, response: { transactionId: TRX, orderBatches: [] }, error: null };
const LEFT = { ...DONE, response: null }; // what is told without both secrets
const FAILED = { state: "failed", settled: true, response: null,
                 error: { code: 1012, message: "user_cancelled", broker: "kite", smallcaseAuthToken: TOKEN } };

await webcrypto.subtle.digest("SHA-256", new Uint8Array()); // the first one takes long

/** A browser window, small enough to see through. Its clock runs `faster` times; timers do too. */
class Browser {
  constructor({ answers, popups = true, faster = 200, stores = true, search = "", crypto = webcrypto, kept = new Map() }) {
    this.asked = [];
    this.answers = answers;
    this.popups = popups;
    this.listeners = {};
    this.kept = kept;
    this.popup = { closed: false, urls: [], told: [], focus() {}, close() { this.closed = true; },
                   postMessage(data, origin) { this.told.push([data, origin]); },
                   location: { replace: (url) => this.popup.urls.push(url) } };
    this.frames = [];
    const window = {
      document: { currentScript: { src: `${HOST}/scdk/2.0.0/scdk.js` }, createElement: () => this.#frame(),
                  querySelector: (name) => (name === "#place" ? { append: (frame) => this.#place(frame) } : null) },
      location: { href: "https://shop.example/buy", search, assign: (url) => (this.went = url) },
      sessionStorage: { getItem: (key) => this.kept.get(key) ?? null, setItem: (key, value) => this.kept.set(key, value),
                        removeItem: (key) => this.kept.delete(key) },
      open: (url) => (this.popups ? ((this.openedAt = url), this.popup) : null),
      addEventListener: (kind, hear) => (this.listeners[kind] ??= new Set()).add(hear),
      removeEventListener: (kind, hear) => this.listeners[kind]?.delete(hear),
      setTimeout: (run, ms) => setTimeout(run, ms / faster), clearTimeout,
      setInterval: (run, ms) => setInterval(run, Math.max(1, ms / faster)), clearInterval,
      fetch: (url, options) => this.#fetch(url, options),
      Date: { now: () => Date.now() * faster, parse: Date.parse },
      crypto, btoa, AbortSignal, URL, URLSearchParams, screenX: 0, screenY: 0, outerWidth: 1280, outerHeight: 800,
    };
    if (!stores) Object.defineProperty(window, "sessionStorage", { get() { throw new Error("SecurityError"); } });
    window.window = window;
    vm.runInNewContext(SOURCE, window);
    this.scDK = window.scDK;
  }
  sdk(config = {}) {
    return new this.scDK({ gateway: "shop", smallcaseAuthToken: TOKEN, config });
  }
  say(data, { origin = HOST, source = this.popup } = {}) {
    for (const hear of [...(this.listeners.message ?? [])]) hear({ origin, source, data });
  }
  #frame() {
    const frame = { style: {}, isConnected: false, contentWindow: {}, remove() { this.isConnected = false; } };
    this.frames.push(frame);
    return frame;
  }
  #place(frame) {
    frame.isConnected = true;
  }
  async #fetch(url, options) {
    const asked = { path: url.slice(HOST.length), body: JSON.parse(options.body), options };
    this.asked.push(asked);
    const answer = this.answers(asked, this.asked.length);
    if (answer instanceof Error) throw answer;
    const [status, told] = Array.isArray(answer) ? answer : [200, { success: true, errors: null, data: answer }];
    return { status, json: async () => told };
  }
}

const gateway = (...outcomes) => ({ path }) => (path.endsWith("/outcome") ? (outcomes.shift() ?? OPEN) : OPENED);
const refusing = (status, told) => () => [status, { success: false, errors: ["No."], data: null, ...told }];
const later = (ms = 30) => new Promise((done) => setTimeout(done, ms));
const shown = async (page) => {
  while ((page.listeners.message?.size ?? 0) < 2) await later(1); // the popup's listener, and the one for this checkout
};
// What the SDK rejects with was made in its own realm: compare what it says, not whose Object it is.
const CODE = "c".repeat(43);
const passed = (page, from = {}) => page.say({ scdk: "result", transactionId: TRX, resultCode: CODE }, from);
const challenge = (verifier) => createHash("sha256").update(verifier).digest("base64url");
const plain = (value) => JSON.parse(JSON.stringify(value));
const refusal = async (promise) => plain(await promise.then(() => assert.fail("resolved"), (reason) => reason));

test("resolves with what the server says once the window has left", async () => {
  const page = new Browser({ answers: gateway(LEFT, LEFT, DONE) });
  const promise = page.sdk({ amo: true }).triggerTransaction({ transactionId: TRX, brokers: ["kite"] });
  page.say({ scdk: "opening" });
  assert.deepEqual(page.popup.urls, []);
  await shown(page);
  page.say({ scdk: "opening" });

  passed(page);
  page.say({ scdk: "left", transactionId: TRX });

  assert.deepEqual(plain(await promise), DONE.response);
  assert.equal(page.openedAt, `${HOST}/scdk/2.0.0/opening`);
  assert.deepEqual(page.popup.urls, [OPENED.url]);
  assert.ok(page.popup.closed);
  const [opening, ...asking] = page.asked.map(({ body }) => body);
  const { codeVerifier } = asking[0];
  assert.match(codeVerifier, /^[A-Za-z0-9_-]{43}$/);
  assert.deepEqual(opening, { transactionId: TRX, mode: "popup", amo: true, codeChallenge: challenge(codeVerifier), brokers: ["kite"] });
  const mine = { sessionId: OPENED.sessionId, codeVerifier };
  assert.deepEqual(asking, [mine, { ...mine, left: true }, { ...mine, resultCode: CODE, left: true }]);
  assert.ok(page.asked.every(({ body }) => body === opening || !JSON.stringify(body).includes(opening.codeChallenge)));
  assert.equal(page.kept.size, 0);
  assert.equal(page.asked[0].options.headers["x-gateway-authtoken"], TOKEN);
  assert.equal(page.asked[0].options.credentials, "omit");
  assert.ok(page.asked.every(({ path }) => !path.includes(TOKEN)));
});

test("sends the window on even if its waiting page says nothing", async () => {
  const page = new Browser({ answers: gateway(FAILED) });
  const promise = page.sdk().triggerTransaction({ transactionId: TRX });
  await later(60);

  assert.deepEqual(page.popup.urls, [OPENED.url]);
  page.popup.closed = true;
  await refusal(promise);
});

test("sends the window on again while its waiting page still stands", async () => {
  const page = new Browser({ answers: gateway(FAILED) });
  const promise = page.sdk().triggerTransaction({ transactionId: TRX });
  await shown(page);

  page.say({ scdk: "opening" });
  page.say({ scdk: "opening" }, { origin: "https://evil.example" });
  page.say({ scdk: "opening" });

  assert.deepEqual(page.popup.urls, [OPENED.url, OPENED.url]);
  page.popup.closed = true;
  await refusal(promise);
});

test("sends the window away when its waiting page stands only after the end", async () => {
  const page = new Browser({ answers: () => new Error("offline") });
  page.popup.close = () => {}; // a browser that forgot, because the page was still loading
  const reason = await refusal(page.sdk().triggerTransaction({ transactionId: TRX }));

  page.say({ scdk: "opening" }, { origin: "https://evil.example" });
  assert.deepEqual(page.popup.told, []);
  page.say({ scdk: "opening" });

  assert.equal(reason.code, 5003);
  assert.deepEqual(plain(page.popup.told), [[{ scdk: "close" }, HOST]]);
  assert.deepEqual(page.popup.urls, []);
});

test("stays at the host that it came from, whatever the gateway calls itself", async () => {
  const opened = { ...OPENED, url: "http://10.0.0.7:8000/checkout/s/x/" };
  const page = new Browser({ answers: ({ path }) => (path.endsWith("/outcome") ? FAILED : opened) });
  const promise = page.sdk().triggerTransaction({ transactionId: TRX });
  await later(60);

  assert.deepEqual(page.popup.urls, [`${HOST}/checkout/s/x/`]);
  page.popup.closed = true;
  await refusal(promise);
});

test("rejects as documented whatever happens to it", async () => {
  const page = new Browser({ answers: gateway() });

  const reason = await refusal(page.sdk({ redirectUrl: "https://[" }).triggerTransaction({ transactionId: TRX }));

  assert.deepEqual([reason.code, reason.message, page.asked.length], [2000, "internal_error", 0]);
  assert.match(reason.data.errors[0], /Invalid URL/);
});

test("goes on where the browser keeps nothing for the page", async () => {
  const page = new Browser({ answers: gateway(FAILED), stores: false });
  const sdk = page.sdk({ redirectUrl: "/back" });
  sdk.triggerTransaction({ transactionId: TRX }).catch(() => {});
  await later(10);

  assert.equal(page.went, OPENED.url);
  assert.equal((await refusal(sdk.outcome({ transactionId: TRX }))).code, 3002);
});

test("asks again when it asked too often", async () => {
  const busy = [429, { success: false, errors: ["More than 1200 requests in 60 s."], errorType: "RateLimited", data: null }];
  const page = new Browser({ answers: gateway(busy, LEFT, DONE) });
  const promise = page.sdk().triggerTransaction({ transactionId: TRX });
  await shown(page);

  page.say({ scdk: "left", transactionId: TRX });

  assert.deepEqual(plain(await promise), DONE.response);
  assert.equal(page.asked.length, 4);
});

test("opens the window before anything is awaited", () => {
  const page = new Browser({ answers: gateway() });

  page.sdk().triggerTransaction({ transactionId: TRX }).catch(() => {});

  assert.equal(page.openedAt, `${HOST}/scdk/2.0.0/opening`);
  page.popup.closed = true;
});

for (const [what, forged] of Object.entries({
  "another origin": { origin: "https://evil.example" },
  "another window": { source: {} },
})) {
  test(`believes no message from ${what}`, async () => {
    const page = new Browser({ answers: gateway(DONE) });
    const promise = page.sdk().triggerTransaction({ transactionId: TRX });
    await later();

    page.say({ scdk: "left", transactionId: TRX }, forged);
    passed(page, forged);
    await later();

    assert.equal(page.asked.length, 1);
    page.popup.closed = true;
    await promise;
    assert.equal(page.asked[1].body.resultCode, undefined);
  });
}

for (const data of [null, "left", {}, { scdk: "left" }, { scdk: "left", transactionId: "TRX_other" }]) {
  test(`believes no message that says ${JSON.stringify(data)}`, async () => {
    const page = new Browser({ answers: gateway(DONE) });
    const promise = page.sdk().triggerTransaction({ transactionId: TRX });
    await later();

    page.say(data);
    await later();

    assert.equal(page.asked.length, 1);
    page.popup.closed = true;
    await promise;
  });
}

test("asks how it ended when the window is gone, and says that it is", async () => {
  const page = new Browser({ answers: gateway(FAILED) });
  const promise = page.sdk().triggerTransaction({ transactionId: TRX });
  await later();

  page.popup.closed = true;

  const { code, message, data } = await refusal(promise);
  assert.deepEqual([code, message, data], [1012, "user_cancelled", { broker: "kite", smallcaseAuthToken: TOKEN }]);
  const [{ codeChallenge }, { codeVerifier, ...more }] = page.asked.map(({ body }) => body);
  assert.deepEqual([more, codeChallenge], [{ sessionId: OPENED.sessionId, left: true }, challenge(codeVerifier)]);
});

for (const state of ["open", "done"]) {
  test(`does not know what comes of a transaction that is ${state} in a window that is gone and passed nothing`, async () => {
    const page = new Browser({ answers: gateway({ ...OPEN, state }) });
    const promise = page.sdk().triggerTransaction({ transactionId: TRX });
    await later();
    page.popup.closed = true;

    assert.deepEqual(await refusal(promise), { code: 1012, message: "user_cancelled", data: { state } });
  });
}

test("says who it was when the window is closed after the login, and that the transaction is open", async () => {
  const page = new Browser({ answers: gateway(OPEN, { ...OPEN, error: FAILED.error }) });
  const promise = page.sdk().triggerTransaction({ transactionId: TRX });
  await later();
  passed(page);
  page.popup.closed = true;

  const { code, data } = await refusal(promise);
  assert.deepEqual([code, data], [1012, { broker: "kite", smallcaseAuthToken: TOKEN, state: "open" }]);
  assert.equal(page.asked[2].body.resultCode, CODE);
});

test("hears the code whenever it is passed", async () => {
  let page;
  const answers = ({ path, body }) => {
    if (!path.endsWith("/outcome")) return OPENED;
    if (!body.left) passed(page); // while an answer is under way
    return body.resultCode ? DONE : LEFT;
  };
  page = new Browser({ answers });
  const promise = page.sdk().triggerTransaction({ transactionId: TRX });
  await later();
  page.say({ scdk: "left", transactionId: TRX });

  assert.deepEqual(plain(await promise), DONE.response);
});

test("asks for the result once it is settled, with one key, and again with the same key when the answer was lost", async () => {
  const page = new Browser({ answers: gateway({ ...LEFT, settled: false }, LEFT, new TypeError("lost"), DONE) });
  const promise = page.sdk().triggerTransaction({ transactionId: TRX });
  await later();
  passed(page);
  page.popup.closed = true;

  assert.deepEqual(plain(await promise), DONE.response);
  const asked = page.asked.slice(1).map(({ body, options }) => [body.resultCode, options.headers["idempotency-key"]]);
  const key = asked[3][1];
  assert.deepEqual(asked, [[undefined, undefined], [undefined, undefined], [CODE, key], [CODE, key]]);
  assert.equal(key.length, 43);
});

test("asks with another key for another checkout", async () => {
  const page = new Browser({ answers: gateway(FAILED, FAILED, FAILED, FAILED) });
  const sdk = page.sdk();
  for (const from of [1, 4]) {
    page.popup.closed = false;
    const promise = sdk.triggerTransaction({ transactionId: TRX });
    while (page.asked.length < from) await later(1);
    await later();
    passed(page);
    page.popup.closed = true;
    await refusal(promise);
  }
  const keys = page.asked.map(({ options }) => options.headers["idempotency-key"]).filter(Boolean);
  assert.equal(new Set(keys).size, 2);
});

test("computes the challenge where there is no crypto.subtle", async () => {
  const page = new Browser({ answers: gateway(FAILED), crypto: { getRandomValues: (bytes) => bytes.fill(7) } });
  page.popup.closed = true;

  await refusal(page.sdk().triggerTransaction({ transactionId: TRX }));

  const verifier = Buffer.alloc(32, 7).toString("base64url");
  assert.deepEqual([page.asked[0].body.codeChallenge, page.asked[1].body.codeVerifier], [challenge(verifier), verifier]);
});

test("computes it right whatever the secret is", async () => {
  for (let n = 0; n < 20; n += 1) {
    const crypto = { getRandomValues: (bytes) => bytes.fill(0).set(randomBytes(32)) ?? bytes };
    const page = new Browser({ answers: gateway(FAILED), crypto });
    page.popup.closed = true;
    await refusal(page.sdk().triggerTransaction({ transactionId: TRX }));
    assert.equal(page.asked[0].body.codeChallenge, challenge(page.asked[1].body.codeVerifier));
  }
});

test("asks by itself when the transaction's time is over", async () => {
  const page = new Browser({ answers: gateway({ ...FAILED, error: { code: 1012, message: "user_cancelled" } }, FAILED), faster: 100_000 });

  assert.equal((await refusal(page.sdk().triggerTransaction({ transactionId: TRX }))).code, 1012);
  assert.deepEqual(page.asked.slice(1).map(({ body }) => body.left), [undefined, true]);
});

test("resolves in the end for a user who never leaves the result", async () => {
  const page = new Browser({ answers: gateway(LEFT, LEFT, DONE), faster: 1_000_000 });

  assert.deepEqual(plain(await page.sdk().triggerTransaction({ transactionId: TRX })), DONE.response);
});

test("waits a moment for orders that are on their way", async () => {
  const page = new Browser({ answers: gateway({ ...LEFT, settled: false }, { ...LEFT, settled: false }, DONE) });
  const promise = page.sdk().triggerTransaction({ transactionId: TRX });
  await later();
  page.popup.closed = true;

  await promise;

  assert.deepEqual(page.asked.slice(1).map(({ body }) => body.left), [true, true, true]);
});

test("waits for them no longer than that", async () => {
  const page = new Browser({ answers: gateway(...Array(1000).fill({ ...LEFT, settled: false })) });
  const promise = page.sdk().triggerTransaction({ transactionId: TRX });
  await later();
  page.popup.closed = true;

  assert.deepEqual(await refusal(promise), { code: 1012, message: "user_cancelled", data: { state: "done" } });
});

for (const [status, told, expected] of [
  [404, { data: { code: 3002, message: "invalid_transactionId" } }, [3002, "invalid_transactionId"]],
  [409, { data: { code: 3001, message: "transaction_expired" } }, [3001, "transaction_expired"]],
  [401, { errorType: "InvalidJWT" }, [5004, "not_allowed"]],
  [403, { errorType: "InvalidGateway" }, [5004, "not_allowed"]],
  [429, { errorType: "RateLimited" }, [5004, "not_allowed"]],
  [500, { errorType: "InternalError" }, [2000, "internal_error"]],
]) {
  test(`rejects with ${expected[0]} when opening is refused with ${status}`, async () => {
    const page = new Browser({ answers: refusing(status, told) });

    const { code, message } = await refusal(page.sdk().triggerTransaction({ transactionId: TRX }));

    assert.deepEqual([code, message], expected);
    assert.ok(page.popup.closed);
  });
}

test("rejects when the popup is blocked, and may be triggered again", async () => {
  const page = new Browser({ answers: gateway(FAILED), popups: false });
  const sdk = page.sdk();

  assert.equal((await refusal(sdk.triggerTransaction({ transactionId: TRX }))).code, 5002);

  page.popups = page.popup.closed = true;
  assert.equal((await refusal(sdk.triggerTransaction({ transactionId: TRX }))).code, 1012);
});

test("rejects a second one while the first runs", async () => {
  const page = new Browser({ answers: gateway(FAILED, FAILED) });
  const sdk = page.sdk();
  const first = sdk.triggerTransaction({ transactionId: TRX });

  assert.equal((await refusal(sdk.triggerTransaction({ transactionId: TRX }))).code, 5001);

  page.popup.closed = true;
  await refusal(first);
  assert.equal((await refusal(sdk.triggerTransaction({ transactionId: TRX }))).code, 1012);
});

for (const transactionId of [undefined, "", "TRX_1", `${TRX}/../x`, `x${TRX}`]) {
  test(`opens nothing for ${transactionId}`, async () => {
    const page = new Browser({ answers: gateway() });

    assert.equal((await refusal(page.sdk().triggerTransaction({ transactionId }))).code, 3002);
    assert.equal(page.openedAt, undefined);
  });
}

test("shows the checkout in a frame, and takes the frame away", async () => {
  const page = new Browser({ answers: gateway(LEFT, LEFT, DONE) });
  const promise = page.sdk({ target: "#place" }).triggerTransaction({ transactionId: TRX });
  while (!page.frames[0]?.src) await later(1);
  const [frame] = page.frames;
  assert.deepEqual([frame.src, frame.isConnected, frame.title], [OPENED.url, true, "Checkout"]);

  passed(page, { source: frame.contentWindow });
  page.say({ scdk: "left", transactionId: TRX }, { source: frame.contentWindow });

  await promise;
  assert.deepEqual([page.asked[0].body.mode, page.asked[3].body.resultCode], ["frame", CODE]);
  assert.equal(frame.isConnected, false);
});

/** The page before and after the checkout, in one tab. */
async function redirected(answers, search) {
  const before = new Browser({ answers });
  before.sdk({ redirectUrl: "/back" }).triggerTransaction({ transactionId: TRX }).catch(() => {});
  await later();
  assert.equal(before.went, OPENED.url);
  assert.equal(before.asked[0].body.redirectUrl, "https://shop.example/back");
  const after = new Browser({ answers, search, kept: before.kept });
  return { after, challenge: before.asked[0].body.codeChallenge };
}

test("goes to the checkout and comes back for the outcome with the code and its own secret", async () => {
  const back = await redirected(gateway(LEFT, DONE), `?transactionId=${TRX}&resultCode=${CODE}`);

  assert.deepEqual(plain(await back.after.sdk().outcome()), DONE.response);

  const { codeVerifier, ...more } = back.after.asked[1].body;
  assert.deepEqual(more, { sessionId: OPENED.sessionId, resultCode: CODE, left: true });
  assert.equal(challenge(codeVerifier), back.challenge);
  assert.equal(back.after.kept.size, 0);
});

test("comes back without a code and is told no more than that it may go on", async () => {
  const back = await redirected(gateway(OPEN), `?transactionId=${TRX}`);

  assert.deepEqual(await refusal(back.after.sdk().outcome()), { code: 1012, message: "user_cancelled", data: { state: "open" } });
  assert.equal(back.after.kept.size, 0);
});

const PASSING = [
  [undefined, () => new TypeError("no line")],
  [409, refusing(409, { errorType: "Conflict" })],
  [429, refusing(429, { errorType: "RateLimited" })],
  [500, refusing(500, { errorType: "InternalError" })],
  [503, refusing(503, { errorType: "ServiceUnavailable" })],
];
for (const [status, failing] of PASSING) {
  const answers = (asked) => (asked.path.endsWith("/outcome") ? failing() : OPENED);

  test(`does not know how it ended when the gateway answers only ${status}`, async () => {
    const page = new Browser({ answers });
    const promise = page.sdk().triggerTransaction({ transactionId: TRX });
    await later();
    page.popup.closed = true;

    const { code, message, data } = await refusal(promise);

    assert.deepEqual([code, message, data.status], [5003, "network_error", status]);
    assert.ok(page.asked.length > 4);
  });

  test(`keeps its secret while the gateway answers only ${status}`, async () => {
    const back = await redirected(answers, `?transactionId=${TRX}&resultCode=${CODE}`);

    assert.equal((await refusal(back.after.sdk().outcome())).code, 5003);
    assert.equal(back.after.kept.size, 1);
  });
}

for (const [status, told, expected] of [
  [401, { errorType: "InvalidJWT" }, 5004],
  [404, { data: { code: 3002, message: "invalid_transactionId" } }, 3002],
]) {
  test(`rejects at once with ${expected} when the outcome is refused with ${status}`, async () => {
    const page = new Browser({ answers: (asked) => (asked.path.endsWith("/outcome") ? refusing(status, told)() : OPENED) });
    const promise = page.sdk().triggerTransaction({ transactionId: TRX });
    await later();
    page.popup.closed = true;

    assert.equal((await refusal(promise)).code, expected);
    assert.equal(page.asked.length, 2);
  });
}

test("knows no outcome of what it has not opened", async () => {
  const page = new Browser({ answers: gateway(DONE) });

  assert.equal((await refusal(page.sdk().outcome({ transactionId: TRX }))).code, 3002);
  assert.equal(page.asked.length, 0);
});

test("goes on for another user after init", async () => {
  const page = new Browser({ answers: gateway(FAILED) });
  const sdk = page.sdk();
  await sdk.init({ smallcaseAuthToken: "a.b.c" });
  page.popup.closed = true;

  await refusal(sdk.triggerTransaction({ transactionId: TRX }));

  assert.equal(page.asked[0].options.headers["x-gateway-authtoken"], "a.b.c");
});

for (const options of [undefined, {}, { gateway: "shop" }, { gateway: "shop", smallcaseAuthToken: "no-jwt" },
                       { smallcaseAuthToken: TOKEN }]) {
  test(`is not made of ${JSON.stringify(options)}`, () => {
    const page = new Browser({ answers: gateway() });

    assert.throws(() => new page.scDK(options), { name: "TypeError" });
  });
}

test("stays under 20 kB, on one line of imports: none", () => {
  assert.ok(Buffer.byteLength(SOURCE) < 20_000);
  assert.doesNotMatch(SOURCE, /\bimport\b|\brequire\(|eval\(|innerHTML|document\.cookie/);
});
