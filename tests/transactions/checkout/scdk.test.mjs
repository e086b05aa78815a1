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
  constructor({ answers, popups = true, userAgent = "Mozilla/5.0 Chrome/140", faster = 200, stores = true, search = "", crypto = webcrypto, kept = new Map() }) {
    this.asked = [];
    this.answers = answers;
    this.popups = popups;
    this.listeners = {};
    this.kept = kept;
    this.popup = { closed: false, urls: [], told: [], focus() {}, close() { this.closed = true; },
                   postMessage(data, origin) { this.told.push([data, origin]); },
                   location: { replace: (url) => this.popup.urls.push(url) } };
    this.frames = [];
    this.dialogs = [];
    const window = {
      document: { currentScript: { src: `${HOST}/scdk/2.0.0/scdk.js` }, createElement: (name) => this.#element(name),
                  querySelector: (name) => (name === "#place" ? { append: (frame) => this.#place(frame) } : null),
                  body: { append: () => {} } },
      navigator: { userAgent },
      location: { href: "https://shop.example/buy", search, assign: (url) => (this.went = url) },
      sessionStorage: { getItem: (key) => this.kept.get(key) ?? null, setItem: (key, value) => this.kept.set(key, value),
                        removeItem: (key) => this.kept.delete(key) },
      open: (url) => this.#open(url),
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
    this.ScdkError = window.ScdkError;
  }
  sdk(config = {}) {
    return new this.scDK({ gateway: "shop", smallcaseAuthToken: TOKEN, config });
  }
  say(data, { origin = HOST, source = this.popup } = {}) {
    for (const hear of [...(this.listeners.message ?? [])]) hear({ origin, source, data });
  }
  #open(url) {
    if (!this.popups) return null;
    this.openedAt = url;
    this.popup.closed = false;
    if (this.closesAtOnce) setTimeout(() => (this.popup.closed = true));
    return this.popup;
  }
  /** An element, as far as the SDK asks. Children are in `parts`; a dialog is open or not. */
  #element(name) {
    const made = {
      name, style: {}, parts: [], attributes: {}, isConnected: false, isFocused: false, contentWindow: {}, open: false,
      append(...more) { this.parts.push(...more); more.forEach((one) => (one.isConnected = true)); },
      prepend(...more) { this.parts.unshift(...more); },
      replaceChildren(...all) { this.parts = all; },
      get lastChild() { return this.parts.at(-1); },
      setAttribute(key, value) { this.attributes[key] = value; },
      focus() { this.isFocused = true; },
      remove() { this.isConnected = false; },
      showModal() { this.open = true; },
      close() { this.open = false; },
    };
    if (name === "iframe") this.frames.push(made);
    if (name === "dialog") this.dialogs.push(made);
    return made;
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
  while (!page.went) await later(1);

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
  page.closesAtOnce = true;

  await refusal(page.sdk().triggerTransaction({ transactionId: TRX }));

  const verifier = Buffer.alloc(32, 7).toString("base64url");
  assert.deepEqual([page.asked[0].body.codeChallenge, page.asked[1].body.codeVerifier], [challenge(verifier), verifier]);
});

test("computes it right whatever the secret is", async () => {
  for (let n = 0; n < 20; n += 1) {
    const crypto = { getRandomValues: (bytes) => bytes.fill(0).set(randomBytes(32)) ?? bytes };
    const page = new Browser({ answers: gateway(FAILED), crypto });
    page.closesAtOnce = true;
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
  [401, { errorType: "InvalidJWT" }, [5006, "invalid_jwt"]],
  [404, { errorType: "InvalidGateway" }, [5007, "invalid_gateway"]],
  [403, { errorType: "Forbidden" }, [5004, "not_allowed"]],
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

for (const [what, options] of [
  ["the browser blocks the popup", { popups: false }],
  ["an Android app shows the page", { userAgent: "Mozilla/5.0 (Linux; Android 15; Pixel 9 Build/X; wv) Chrome/140" }],
  ["an iOS app shows the page", { userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15" }],
  ["Instagram shows the page", { userAgent: "Mozilla/5.0 (iPhone) Safari/605 Instagram 400" }],
]) {
  test(`shows the checkout over the page where ${what}`, async () => {
    const page = new Browser({ answers: gateway(LEFT, LEFT, DONE), ...options });
    const promise = page.sdk().triggerTransaction({ transactionId: TRX });
    const [dialog] = page.dialogs, [frame] = page.frames;
    assert.deepEqual([dialog.open, dialog.attributes["aria-label"], frame.title], [true, "Checkout", "Checkout"]);
    while (!frame.src) await later(1);

    passed(page, { source: frame.contentWindow });
    page.say({ scdk: "left", transactionId: TRX }, { source: frame.contentWindow });

    assert.deepEqual(plain(await promise), DONE.response);
    assert.deepEqual([page.asked[0].body.mode, page.openedAt && !options.userAgent], ["frame", undefined]);
    assert.deepEqual([dialog.open, dialog.isConnected, page.listeners.message.size], [false, false, 0]);
  });
}

const IN_SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile Safari/604.1";
test("opens a window in a phone's browser", async () => {
  const page = new Browser({ answers: gateway(FAILED), userAgent: IN_SAFARI });
  const promise = page.sdk().triggerTransaction({ transactionId: TRX });

  assert.deepEqual([page.dialogs.length, page.openedAt], [0, `${HOST}/scdk/2.0.0/opening`]);
  page.popup.closed = true;
  await refusal(promise);
});

/** What the bar over the checkout says and offers. */
const offered = ({ parts: [bar] }) => bar.parts.map((part) => part.attributes["aria-label"] ?? part.textContent);

for (const [how, escape] of [
  ["Escape on the page", (page, dialog) => dialog.oncancel({ preventDefault() {} })],
  ["Escape in the checkout", (page) => page.say({ scdk: "escape" }, { source: page.frames[0].contentWindow })],
  ["the cross", (page, { parts: [bar] }) => bar.lastChild.onclick()],
]) {
  test(`asks before ${how} leaves the checkout over the page`, async () => {
    const page = new Browser({ answers: gateway(FAILED), popups: false });
    const promise = page.sdk().triggerTransaction({ transactionId: TRX });
    const [dialog] = page.dialogs;
    assert.deepEqual(offered(dialog), ["Opening the checkout…", "Close the checkout"]);
    await shown(page);

    page.say({ scdk: "escape" }, { source: {} });
    assert.deepEqual(offered(dialog), ["Opening the checkout…", "Close the checkout"]);
    escape(page, dialog);
    assert.deepEqual(offered(dialog), ["Leave the checkout?", "Stay", "Leave"]);
    dialog.parts[0].parts[1].onclick();
    assert.deepEqual([offered(dialog), page.frames[0].isFocused], [["", "Close the checkout"], true]);
    escape(page, dialog);
    dialog.parts[0].lastChild.onclick();

    assert.equal((await refusal(promise)).code, 1012);
    assert.equal(page.asked.at(-1).body.left, true);
  });
}

test("rejects a second one while the first runs", async () => {
  const page = new Browser({ answers: gateway(FAILED, FAILED) });
  const sdk = page.sdk();
  const first = sdk.triggerTransaction({ transactionId: TRX });

  assert.equal((await refusal(sdk.triggerTransaction({ transactionId: TRX }))).code, 5001);

  page.popup.closed = true;
  await refusal(first);
  page.closesAtOnce = true;
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
  [401, { errorType: "InvalidJWT" }, 5006],
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
  page.closesAtOnce = true;

  await refusal(sdk.triggerTransaction({ transactionId: TRX }));

  assert.equal(page.asked[0].options.headers["x-gateway-authtoken"], "a.b.c");
});

for (const [options, expected] of [
  [undefined, [5007, "invalid_gateway"]],
  [{ smallcaseAuthToken: TOKEN }, [5007, "invalid_gateway"]],
  [{ gateway: "shop", smallcaseAuthToken: "no-jwt" }, [5006, "invalid_jwt"]],
  [{ gateway: "shop", smallcaseAuthToken: 7 }, [5006, "invalid_jwt"]],
  [{ gateway: "shop", userData: "Asha" }, [5008, "invalid_user_data"]],
]) {
  test(`is not made of ${JSON.stringify(options)}`, async () => {
    const page = new Browser({ answers: gateway() });
    const sdk = page.sdk();

    assert.throws(() => new page.scDK(options), (reason) => {
      assert.deepEqual([reason.code, reason.message, reason.name], [...expected, "ScdkError"]);
      return reason instanceof page.ScdkError;
    });
    if (options?.gateway) assert.deepEqual((await refusal(sdk.init(options))).code, expected[0]);
  });
}

for (const user of [{}, { smallcaseAuthToken: null }, { smallcaseAuthToken: "", userData: { name: "Asha" } }]) {
  test(`is a guest with ${JSON.stringify(user)}`, async () => {
    const page = new Browser({ answers: gateway(FAILED) });
    const sdk = page.sdk();
    await sdk.init(user);
    page.closesAtOnce = true;

    await refusal(sdk.triggerTransaction({ transactionId: TRX }));

    assert.ok(!("x-gateway-authtoken" in page.asked[0].options.headers));
    new page.scDK({ gateway: "shop", ...user });
  });
}

for (const name of ["brokerLogout", "showOrders", "openSmallplug", "triggerMfTransaction", "triggerLeadGen", "markArchived", "connect"]) {
  test(`does not serve ${name}`, async () => {
    const sdk = new Browser({ answers: gateway() }).sdk();

    assert.deepEqual(await refusal(sdk[name]({})), { code: 5009, message: "not_supported", data: { method: name } });
  });
}

test("rejects with an Error that says its code in a log", async () => {
  const page = new Browser({ answers: gateway() });

  const reason = await page.sdk().triggerTransaction({ transactionId: "x" }).catch((caught) => caught);

  assert.ok(reason instanceof page.ScdkError);
  assert.equal(String(reason), "ScdkError: invalid_transactionId");
  assert.ok(reason.stack.includes("scdk") || reason.stack.includes("evalmachine"));
});

test("stays under 20 kB, on one line of imports: none", () => {
  assert.ok(Buffer.byteLength(SOURCE) < 20_000);
  assert.doesNotMatch(SOURCE, /\bimport\b|\brequire\(|eval\(|innerHTML|document\.cookie/);
});
