/**
 * The checkout in an app: opens it in the system's browser tab and returns by the app's own address (redirect mode).
 *
 * The app gives a `platform`, because React Native, Capacitor and Node differ in them:
 * - `open(url, returnUrl)` shows the URL in a browser tab and resolves with the address that the tab returned to, or
 *   null if the user closed it.
 * - `random(length)` and `sha256(bytes)` return bytes; default: the runtime's Web Crypto.
 * - `fetch`; default: the runtime's.
 *
 * Every promise settles. A rejection is a `GatewayError` with `code`, `message` and `data`, as in docs/checkout.md.
 */
const VERSION = "2.0.0";
const TRANSACTION = /^TRX_[0-9a-f]{32}$/;
const PLACING = 20000; // ms for orders to reach the broker; the gateway's own limit is shorter
const TRYING = 30000; // ms without a network before giving up
const OWN = [
  "transaction_in_process", "popup_blocked", "network_error", "not_allowed", "invalid_elementorselector", "invalid_jwt",
  "invalid_gateway", "invalid_user_data", "not_supported",
];

export class GatewayError extends Error {
  constructor(code, message, data = {}) {
    super(message);
    Object.assign(this, { name: "GatewayError", code, data });
  }
  toJSON() {
    return { code: this.code, message: this.message, data: this.data };
  }
}

const own = (message, data) => new GatewayError(5001 + OWN.indexOf(message), message, data);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

export class Gateway {
  #platform;
  #config = {};
  #token = null;
  #isRunning = false;

  constructor(platform) {
    this.#platform = {
      fetch: (...all) => fetch(...all),
      random: (length) => crypto.getRandomValues(new Uint8Array(length)),
      sha256: async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)),
      ...platform,
    };
  }

  /**
   * `host`: the gateway's address. `returnUrl`: the app's address, such as acme://done; it must be an allowed origin.
   * `environmentName` and `isLeprechaun` are accepted and not used: the gateway's name decides between test and live.
   */
  async setConfigEnvironment({ host, gatewayName, returnUrl, isAmoEnabled = true, brokerList = [] } = {}) {
    if (!gatewayName || !host) throw own("invalid_gateway");
    if (!/^[a-z][a-z0-9+.-]*:\/\/[^/?#]+/i.test(returnUrl)) throw own("not_allowed", { errors: ["returnUrl must be an app's address."] });
    this.#config = { host: new URL(host).origin, gateway: gatewayName, returnUrl, amo: isAmoEnabled, brokers: brokerList };
  }

  /** Without a token the user is a guest. */
  async init(smallcaseAuthToken) {
    if (smallcaseAuthToken && String(smallcaseAuthToken).split(".").length !== 3) throw own("invalid_jwt");
    this.#token = smallcaseAuthToken || null;
  }

  /** Resolves with the SDK response. `utmParams` are accepted and not used. */
  async triggerTransaction(transactionId, utmParams, brokerList = this.#config.brokers) {
    if (!this.#config.gateway) throw own("invalid_gateway");
    if (!TRANSACTION.test(transactionId)) throw new GatewayError(3002, "invalid_transactionId");
    if (this.#isRunning) throw own("transaction_in_process");
    this.#isRunning = true;
    try {
      return await this.#run(transactionId, brokerList);
    } finally {
      this.#isRunning = false;
    }
  }

  getSdkVersion() {
    return VERSION;
  }

  async #run(transactionId, brokers) {
    const { amo, returnUrl, host } = this.#config;
    const codeVerifier = base64url(this.#platform.random(32));
    const bytes = Uint8Array.from(codeVerifier, (letter) => letter.charCodeAt(0));
    const opened = await this.#post("sessions", {
      transactionId, mode: "redirect", redirectUrl: returnUrl, amo,
      codeChallenge: base64url(await this.#platform.sha256(bytes)),
      ...(brokers.length ? { brokers } : {}),
    });
    const flow = { sessionId: opened.sessionId, codeVerifier };
    const returned = await this.#platform.open(host + new URL(opened.url).pathname, returnUrl);
    const carried = new URLSearchParams((returned || "").split("?")[1] || "");
    const isOurs = (returned || "").startsWith(returnUrl) && carried.get("transactionId") === transactionId;
    return this.#ending(flow, (isOurs && carried.get("resultCode")) || undefined);
  }

  /** As scdk.js: waits until the outcome is settled, then asks once with the code of the tab that logged in. */
  async #ending(flow, resultCode) {
    const until = Date.now() + PLACING;
    let outcome = await this.#ask({ ...flow, left: true });
    while (!outcome.settled && Date.now() < until) {
      await pause(300);
      outcome = await this.#ask({ ...flow, left: true });
    }
    if (resultCode) outcome = await this.#ask({ ...flow, resultCode, left: true });
    if (outcome.response) return outcome.response;
    const { code = 1012, message = "user_cancelled", ...data } = outcome.error || {};
    throw new GatewayError(code, message, outcome.state === "failed" ? data : { ...data, state: outcome.state });
  }

  async #ask(body) {
    const until = Date.now() + TRYING;
    const key = body.resultCode && base64url(this.#platform.random(32));
    for (let wait = 500; ; wait *= 2) {
      try {
        return await this.#post("sessions/outcome", body, key);
      } catch (reason) {
        const { status } = reason.data;
        const isPassing = reason.message === "network_error" || status === 409 || status === 429 || status >= 500;
        if (!isPassing) throw reason;
        if (Date.now() + wait > until) throw own("network_error", reason.data);
        await pause(wait);
      }
    }
  }

  async #post(path, body, key) {
    const { host, gateway, returnUrl } = this.#config;
    let answer, content;
    try {
      answer = await this.#platform.fetch(`${host}/checkout/${encodeURIComponent(gateway)}/${path}`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          origin: /^[^/]+:\/\/[^/?#]+/.exec(returnUrl)[0].toLowerCase(), // an app has no page: it names itself
          ...(this.#token && { "x-gateway-authtoken": this.#token }),
          ...(key && { "idempotency-key": key }),
        },
        body: JSON.stringify(body),
      });
      content = await answer.json();
    } catch {
      throw own("network_error");
    }
    if (content.success) return content.data;
    const { code, message, ...data } = content.data || {};
    if (code) throw new GatewayError(code, message, data);
    if (answer.status >= 500) throw new GatewayError(2000, "internal_error", { status: answer.status });
    const named = { InvalidJWT: "invalid_jwt", InvalidGateway: "invalid_gateway" }[content.errorType];
    throw own(named || "not_allowed", { status: answer.status, errorType: content.errorType, errors: content.errors });
  }
}

for (const name of [
  "archiveSmallcase", "launchSmallplug", "logoutUser", "showOrders", "triggerLeadGen", "triggerMfTransaction",
]) {
  Gateway.prototype[name] = async () => Promise.reject(own("not_supported", { method: name }));
}
