/**
 * The browser SDK, 2.0.0, without dependencies: `<script src="{host}/scdk/2.0.0/scdk.js"></script>` defines `scDK`.
 *
 * Guarantees:
 * - Every promise settles. A closed or lost window, a dead network and an expired transaction each end in a rejection,
 *   an `ScdkError` with `code`, `message` and `data` of the table in docs/checkout.md.
 * - Where no window can open (no recent click, a popup blocker, an app), the checkout opens over the page.
 * - Only the server knows the outcome of a checkout. A message from the window is a hint to ask the server. It is
 *   accepted only from that window and the gateway's origin, and has no result and no token.
 * - The result needs two secrets: one made here, sent only to ask for the result, and a code from the window that
 *   logged in. If somebody else logged in, this page gets only the state.
 * - The token is sent in a header, never in a URL. Only redirect mode stores the session's id and this page's secret,
 *   until the outcome is known.
 */
(() => {
"use strict";

const SCRIPT = document.currentScript;
if (!SCRIPT || !SCRIPT.src) throw new Error("scdk.js must be loaded by a <script src>.");
const HOST = new URL(SCRIPT.src).origin;
const TRANSACTION = /^TRX_[0-9a-f]{32}$/;
const WIDTH = 480;
const HEIGHT = 780;
const READY = 4000; // ms for the popup's waiting page to be ready
const LOOK = 400; // ms between looks
const ANSWER = 20000; // ms for a response
const PLACING = 20000; // ms for orders to reach the broker; the gateway's limit is shorter
const TRYING = 30000; // ms without a network
const LINGERING = 1800000; // ms that a user may look at the result

// Apps' web views open no window.
const IN_APP = /; wv\)|FBA[NV]|Instagram|(iPhone|iPad|iPod)(?!.*Safari)/.test(navigator.userAgent);

/** The SDK's own rejections, from code 5001 on; lower codes are the gateway's. A blocked popup is none any more. */
const OWN = [
  "transaction_in_process", "popup_blocked", "network_error", "not_allowed", "invalid_elementorselector", "invalid_jwt",
  "invalid_gateway", "invalid_user_data", "not_supported",
];
const FIRST = 5001;
const NOT_SERVED = [
  "brokerLogout", "showOrders", "openSmallplug", "triggerMfTransaction", "triggerLeadGen", "markArchived", "connect",
];

class ScdkError extends Error {
  constructor(code, message, data) {
    super(message);
    Object.assign(this, { name: "ScdkError", code, data });
  }
  toJSON() {
    return { code: this.code, message: this.message, data: this.data };
  }
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const failure = (code, message, data = {}) => new ScdkError(code, message, data);
const own = (message, data) => failure(FIRST + OWN.indexOf(message), message, data);
/** Where the storage is blocked or full, the checkout works; only `outcome` is lost. */
const memory = (act, transactionId, value) => {
  try {
    return sessionStorage[act](`scdk:${HOST}:${transactionId}`, value);
  } catch {
    return null;
  }
};

const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const inAddress = (name) => new URLSearchParams(location.search).get(name) || undefined;
const secret = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

/** The challenge sent to the gateway instead of the secret. Plain http pages, except loopback, have no crypto.subtle. */
const challengeOf = async (verifier) => {
  const bytes = Uint8Array.from(verifier, (letter) => letter.charCodeAt(0));
  return base64url(crypto.subtle ? new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)) : sha256(bytes));
};

/** FIPS 180-4. Its constants are the first bits of the roots of the first primes. */
const sha256 = (message) => {
  const primes = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime)) primes.push(n);
  const bits = (root) => ((root % 1) * 2 ** 32) | 0;
  const turn = (word, by) => (word >>> by) | (word << (32 - by));
  const padded = new Uint8Array(((message.length + 72) >> 6) << 6);
  padded.set(message);
  padded[message.length] = 128;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 4, message.length * 8);
  const state = primes.slice(0, 8).map((prime) => bits(prime ** (1 / 2)));
  for (let at = 0; at < padded.length; at += 64) {
    const words = [];
    let [a, b, c, d, e, f, g, h] = state;
    primes.forEach((prime, i) => {
      const w15 = words[i - 15], w2 = words[i - 2];
      words[i] = i < 16 ? view.getInt32(at + 4 * i)
        : (words[i - 16] + (turn(w15, 7) ^ turn(w15, 18) ^ (w15 >>> 3)) + words[i - 7] + (turn(w2, 17) ^ turn(w2, 19) ^ (w2 >>> 10))) | 0;
      const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + bits(Math.cbrt(prime)) + words[i]) | 0;
      const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [a, b, c, d, e, f, g, h] = [(one + two) | 0, a, b, c, (d + one) | 0, e, f, g];
    });
    [a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] = (state[i] + word) | 0));
  }
  state.forEach((word, i) => view.setInt32(4 * i, word));
  return padded.subarray(0, 32);
};

/** A window that shows the checkout. `isLost`: the user or the page has closed it. */
class Popup {
  constructor() {
    const left = Math.max(0, Math.round(screenX + (outerWidth - WIDTH) / 2));
    const top = Math.max(0, Math.round(screenY + (outerHeight - HEIGHT) / 2));
    const size = `popup,width=${WIDTH},height=${HEIGHT},left=${left},top=${top}`;
    this.window = window.open(`${HOST}/scdk/2.0.0/opening`, "_blank", size);
    if (this.isBlocked) return;
    this.listener = (event) => {
      if (event.origin === HOST && event.source === this.window && event.data && event.data.scdk === "opening") this.go();
    };
    addEventListener("message", this.listener);
  }
  get isBlocked() {
    return !this.window || this.window.closed;
  }
  get mode() {
    return "popup";
  }
  get isLost() {
    return this.window.closed;
  }
  /** Redirects when the waiting page is ready: browsers drop a redirect while it is loading. */
  show(url) {
    this.url = url;
    this.late = setTimeout(() => this.go(), READY);
  }
  go() {
    if (this.isDone) return this.window.postMessage({ scdk: "close" }, HOST);
    if (!this.url || this.isLost) return;
    clearTimeout(this.late);
    this.window.location.replace(this.url);
  }
  /** Browsers also drop `close` while it is loading, so a page that is ready later is asked to close. */
  close() {
    clearTimeout(this.late);
    this.isDone = true;
    this.window.close();
    setTimeout(() => removeEventListener("message", this.listener), ANSWER);
  }
}

class Frame {
  constructor(target) {
    this.place = typeof target === "string" ? document.querySelector(target) : target;
    if (!this.place || !this.place.append) throw own("invalid_elementorselector");
    this.frame = document.createElement("iframe");
    this.frame.title = "Checkout";
    this.frame.referrerPolicy = "no-referrer";
    Object.assign(this.frame.style, { border: "0", width: "100%", height: "100%", minHeight: "640px" });
    this.place.append(this.frame);
  }
  get mode() {
    return "frame";
  }
  get window() {
    return this.frame.contentWindow;
  }
  get isLost() {
    return !this.frame.isConnected;
  }
  show(url) {
    this.frame.src = url;
  }
  close() {
    this.frame.remove();
  }
}

/** Over the page, where no window opens. The rest of the page is inert; Escape and the cross ask before they leave. */
class Overlay extends Frame {
  constructor() {
    const dialog = document.createElement("dialog");
    super(dialog);
    this.dialog = dialog;
    this.bar = document.createElement("div");
    dialog.prepend(this.bar);
    dialog.setAttribute("aria-label", "Checkout");
    dialog.style.cssText =
      "box-sizing:border-box;width:100vw;height:100dvh;max-width:none;max-height:none;margin:0;padding:4px;border:0;" +
      "background:#000d;color:#fff;font:16px/44px system-ui,sans-serif;text-align:center";
    this.frame.style.cssText =
      `border:0;background:#fff;width:min(${WIDTH}px,100%);height:min(${HEIGHT}px,calc(100dvh - 60px))`;
    this.#wait("Opening the checkout…");
    dialog.oncancel = (event) => {
      event.preventDefault();
      this.#ask();
    };
    this.listener = ({ source, data }) => source === this.window && data && data.scdk === "escape" && this.#ask();
    addEventListener("message", this.listener);
    (document.body || document.documentElement).append(dialog);
    dialog.showModal();
  }
  get isLost() {
    return this.isLeft || !this.dialog.open;
  }
  show(url) {
    super.show(url);
    this.frame.onload = () => this.#wait("");
  }
  #wait(text) {
    this.#say(text, ["✕", () => this.#ask()]);
    this.bar.lastChild.setAttribute("aria-label", "Close the checkout");
    this.frame.focus();
  }
  #ask() {
    this.#say("Leave the checkout?", ["Stay", () => this.#wait("")], ["Leave", () => (this.isLeft = true)]);
    this.bar.lastChild.focus();
  }
  #say(text, ...choices) {
    const buttons = choices.map(([textContent, onclick]) => {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent, onclick });
      button.style.cssText = "font:inherit;color:#fff;background:none;border:1px solid;border-radius:6px;min-width:44px;margin-left:12px";
      return button;
    });
    const words = document.createElement("span");
    words.setAttribute("role", "status");
    words.textContent = text;
    this.bar.replaceChildren(words, ...buttons);
  }
  close() {
    removeEventListener("message", this.listener);
    this.dialog.close(); // returns the focus
    this.dialog.remove();
  }
}

/** The page itself is replaced; it exists again only after the back button. */
class Page {
  constructor(redirectUrl, transactionId) {
    this.redirectUrl = redirectUrl;
    this.transactionId = transactionId;
    this.isLost = false;
    this.back = (event) => (this.isLost = this.isLost || event.persisted);
    addEventListener("pageshow", this.back);
  }
  get mode() {
    return "redirect";
  }
  get window() {
    return null;
  }
  show(url, { sessionId, codeVerifier }) {
    memory("setItem", this.transactionId, `${sessionId}.${codeVerifier}`);
    location.assign(url);
    setTimeout(() => (this.isLost = true), TRYING); // the browser did not go
  }
  close() {
    removeEventListener("pageshow", this.back);
  }
}

class scDK {
  #gateway;
  #token;
  #config;
  #isRunning = false;

  /**
   * Without a token the user is a guest. `userData` is accepted and not used.
   * @param {{gateway: string, smallcaseAuthToken?: string | null, userData?: object,
   *   config?: {amo?: boolean, target?: string | Element, redirectUrl?: string}}} options
   * @throws {ScdkError} invalid_gateway, invalid_jwt, invalid_user_data.
   */
  constructor({ gateway, config, ...user } = {}) {
    if (typeof gateway !== "string" || !gateway) throw own("invalid_gateway");
    this.#gateway = gateway;
    this.#config = { amo: false, ...config };
    this.#use(user);
  }

  /** Another user; without a token, a guest. A running transaction continues for its own user. */
  async init(user) {
    this.#use(user || {});
    return { gateway: this.#gateway };
  }

  /**
   * Shows the checkout of a transaction: in a window if it is called in a click handler, otherwise over the page.
   * @param {{transactionId: string, brokers?: string[]}} options brokers that are not known are ignored.
   * @returns {Promise<object>} the SDK response; rejects with an ScdkError.
   */
  triggerTransaction({ transactionId, brokers } = {}) {
    if (this.#isRunning) return Promise.reject(own("transaction_in_process"));
    if (!TRANSACTION.test(transactionId)) return Promise.reject(failure(3002, "invalid_transactionId"));
    let surface;
    try {
      surface = this.#surface(transactionId); // before the first await: later it is not part of the user's click
    } catch (reason) {
      return Promise.reject(reason);
    }
    this.#isRunning = true;
    const unforeseen = (reason) => {
      throw reason && reason.data ? reason : failure(2000, "internal_error", { errors: [String(reason)] });
    };
    return this.#run(surface, transactionId, brokers).catch(unforeseen).finally(() => {
      this.#isRunning = false;
      surface.close();
    });
  }

  /**
   * In redirect mode, on the page that the user returned to: the outcome. Uses the `resultCode` in the page's URL and
   * the secret that the page stored in its sessionStorage before the redirect.
   * @param {{transactionId?: string, resultCode?: string}} [options] default: from the page's URL.
   */
  async outcome({ transactionId = inAddress("transactionId"), resultCode = inAddress("resultCode") } = {}) {
    const kept = transactionId && memory("getItem", transactionId);
    if (!kept) throw failure(3002, "invalid_transactionId");
    const [sessionId, codeVerifier] = kept.split(".");
    const forget = () => memory("removeItem", transactionId);
    try {
      const response = await this.#ending({ token: this.#token, sessionId, codeVerifier, resultCode });
      forget();
      return response;
    } catch (reason) {
      if (reason.code < FIRST) forget(); // otherwise the gateway has not responded: keep the secret
      throw reason;
    }
  }

  #use({ smallcaseAuthToken: token, userData }) {
    const isGuest = token === undefined || token === null || token === "";
    if (!isGuest && (typeof token !== "string" || token.split(".").length !== 3)) throw own("invalid_jwt");
    if (userData && typeof userData !== "object") throw own("invalid_user_data");
    this.#token = isGuest ? null : token;
  }

  #surface(transactionId) {
    if (this.#config.redirectUrl) return new Page(this.#config.redirectUrl, transactionId);
    if (this.#config.target) return new Frame(this.#config.target);
    const popup = IN_APP ? null : new Popup();
    return popup && !popup.isBlocked ? popup : new Overlay();
  }

  async #run(surface, transactionId, brokers) {
    const flow = { token: this.#token, codeVerifier: secret() };
    const opened = await this.#post(flow.token, "sessions", {
      transactionId,
      mode: surface.mode,
      amo: this.#config.amo === true,
      codeChallenge: await challengeOf(flow.codeVerifier),
      ...(surface.redirectUrl ? { redirectUrl: new URL(surface.redirectUrl, location.href).href } : {}),
      ...(brokers && brokers.length ? { brokers } : {}),
    });
    flow.sessionId = opened.sessionId;
    let leave;
    const listener = ({ origin, source, data }) => {
      const isOurs = origin === HOST && surface.window && source === surface.window;
      if (!isOurs || !data || data.transactionId !== transactionId) return;
      if (data.scdk === "result") flow.resultCode = data.resultCode;
      if (data.scdk === "left") leave("left");
    };
    const left = new Promise((done) => (leave = done));
    addEventListener("message", listener);
    // Always use the script's own host: a proxy may have given the gateway another name.
    if (!surface.isLost) surface.show(HOST + new URL(opened.url).pathname, flow);
    const lifetime = Math.max(0, Date.parse(opened.expireAt) - Date.parse(opened.now)) + 3000;
    return this.#follow(surface, flow, left, lifetime).finally(() => removeEventListener("message", listener));
  }

  /** Waits until the user leaves, the window is closed, or the transaction has ended. */
  async #follow(surface, flow, left, wait) {
    for (let late = 0; ; ) {
      const how = await this.#next(surface, left, wait);
      if (how === "lost") return this.#ending(flow);
      const { state } = await this.#ask(flow, {}); // without the code: the user may still look at the result
      if (state === "failed" || (state === "done" && (how === "left" || late))) return this.#ending(flow);
      if (how === "left") left = new Promise(() => {});
      late = state === "done" ? 1 : 0;
      wait = late ? LINGERING : 15000;
    }
  }

  /** The next event: the user "left" the checkout, the window was "lost", or it is "time" to ask the server. */
  async #next(surface, left, wait) {
    let looking, ending;
    const other = new Promise((done) => {
      looking = setInterval(() => surface.isLost && done("lost"), LOOK);
      ending = setTimeout(() => done("time"), Math.min(wait, 2147483647));
    });
    const how = await Promise.race([left, other]);
    clearInterval(looking);
    clearTimeout(ending);
    return how;
  }

  /**
   * The user has left, or the window is closed. Ends a checkout without a login; otherwise gets the confirmed result
   * or the error. Without the window's code, or if the user closed the window after the login, the transaction may
   * continue without this page: 1012, with its `state`.
   */
  async #ending({ resultCode, ...flow }) {
    const until = Date.now() + PLACING;
    let outcome = await this.#ask(flow, { left: true });
    while (!outcome.settled && Date.now() < until) {
      await pause(300);
      outcome = await this.#ask(flow, { left: true });
    }
    if (resultCode) outcome = await this.#ask(flow, { resultCode, left: true }); // once: the gateway stores this response
    if (outcome.response) return outcome.response;
    if (outcome.state === "failed") throw this.#rejection(outcome);
    const { code, message, data } = outcome.error ? this.#rejection(outcome) : failure(1012, "user_cancelled");
    throw failure(code, message, { ...data, state: outcome.state });
  }

  /**
   * Repeats the same request until there is a response, for TRYING ms. If the gateway only refuses temporarily, the
   * rejection is 5003, because the transaction may continue.
   */
  async #ask({ token, sessionId, codeVerifier }, more) {
    const until = Date.now() + TRYING;
    const key = more.resultCode && secret(); // a repeated request with the same key gets the same result
    for (let wait = 500; ; wait *= 2) {
      try {
        return await this.#post(token, "sessions/outcome", { sessionId, codeVerifier, ...more }, key);
      } catch (reason) {
        const { status } = reason.data;
        const isPassing = reason.message === "network_error" || status === 409 || status === 429 || status >= 500;
        if (!isPassing) throw reason;
        if (Date.now() + wait > until) throw own("network_error", reason.data);
        await pause(wait);
      }
    }
  }

  #rejection({ error: { code, message, ...data } }) {
    return failure(code, message, data);
  }

  async #post(token, path, body, key) {
    let answer, content;
    try {
      answer = await fetch(`${HOST}/checkout/${encodeURIComponent(this.#gateway)}/${path}`, {
        method: "POST",
        mode: "cors",
        credentials: "omit",
        cache: "no-store",
        referrerPolicy: "no-referrer",
        headers: { "content-type": "application/json", ...(token && { "x-gateway-authtoken": token }), ...(key && { "idempotency-key": key }) },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(ANSWER),
      });
      content = await answer.json();
    } catch {
      // A refused preflight looks the same. See docs/checkout.md for what to check.
      throw own("network_error");
    }
    if (content.success) return content.data;
    if (content.data && content.data.code) throw this.#rejection({ error: content.data });
    if (answer.status >= 500) throw failure(2000, "internal_error", { status: answer.status, errors: content.errors });
    const named = { InvalidJWT: "invalid_jwt", InvalidGateway: "invalid_gateway" }[content.errorType];
    throw own(named || "not_allowed", { status: answer.status, errorType: content.errorType, errors: content.errors });
  }
}

for (const name of NOT_SERVED) scDK.prototype[name] = async () => Promise.reject(own("not_supported", { method: name }));
Object.defineProperty(scDK, "version", { value: "2.0.0" });
Object.assign(window, { scDK, ScdkError });
})();
