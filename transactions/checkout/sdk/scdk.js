/**
 * The browser SDK, 2.0.0. No dependency, no build: `<script src="{host}/scdk/2.0.0/scdk.js"></script>` defines `scDK`.
 *
 * What it may be relied on for:
 * - Every promise settles. A closed or lost window, a blocked popup, a dead network and an expired transaction each end
 *   in a rejection `{code, message, data}` of the table in docs/checkout.md.
 * - The server alone says how a checkout ended. A message from the window is a hint to ask it, believed only from that
 *   very window and from the gateway's own origin; it carries no result and no token.
 * - The token travels in a header, never in an address, and nothing is stored but, in redirect mode, a session's id.
 */
(() => {
  "use strict";

  const SCRIPT = document.currentScript;
  if (!SCRIPT || !SCRIPT.src) throw new Error("scdk.js must be loaded by a <script src>.");
  const HOST = new URL(SCRIPT.src).origin;
  const TRANSACTION = /^TRX_[0-9a-f]{32}$/;
  const WIDTH = 480;
  const HEIGHT = 780;
  const STANDING = 4000; // ms for the popup's waiting page to say that it stands
  const LOOK = 400; // ms between looks at whether the window is still there
  const ANSWER = 20000; // ms for an answer of the gateway
  const PLACING = 6000; // ms that confirmed orders have to reach the broker before we resolve without them
  const TRYING = 30000; // ms of a dead network before we give up asking
  const LINGERING = 1800000; // ms that a user may look at the result before we resolve regardless

  /** Codes of the SDK itself; those below 5000 are the gateway's. */
  const OWN = {
    transaction_in_process: 5001,
    popup_blocked: 5002,
    network_error: 5003,
    not_allowed: 5004,
    target_not_found: 5005,
  };

  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const failure = (code, message, data = {}) => ({ code, message, data });
  const own = (message, data) => failure(OWN[message], message, data);
  /** Where a browser keeps nothing for the page (blocked, or full), the user still goes on; only `outcome` is lost. */
  const memory = (act, transactionId, value) => {
    try {
      return sessionStorage[act](`scdk:${HOST}:${transactionId}`, value);
    } catch {
      return null;
    }
  };

  /** A window or frame that the checkout is shown in. `isLost`: the user, or the page, did away with it. */
  class Popup {
    constructor() {
      const left = Math.max(0, Math.round(screenX + (outerWidth - WIDTH) / 2));
      const top = Math.max(0, Math.round(screenY + (outerHeight - HEIGHT) / 2));
      const size = `popup,width=${WIDTH},height=${HEIGHT},left=${left},top=${top}`;
      this.window = window.open(`${HOST}/scdk/2.0.0/opening`, "_blank", size);
      if (!this.window) throw own("popup_blocked");
      this.hear = (event) => {
        if (event.origin === HOST && event.source === this.window && event.data && event.data.scdk === "opening") this.go();
      };
      addEventListener("message", this.hear);
    }
    get mode() {
      return "popup";
    }
    get isLost() {
      return this.window.closed;
    }
    /** Goes there when the waiting page says that it stands: a browser forgets where to go while it is still loading. */
    show(url) {
      this.url = url;
      this.late = setTimeout(() => this.go(), STANDING);
    }
    go() {
      if (this.isDone) return this.window.postMessage({ scdk: "close" }, HOST);
      if (!this.url || this.isLost) return;
      clearTimeout(this.late);
      this.window.location.replace(this.url);
    }
    /** A browser forgets this, too, while the waiting page is still loading: should it stand afterwards, it is told. */
    close() {
      clearTimeout(this.late);
      this.isDone = true;
      this.window.close();
      setTimeout(() => removeEventListener("message", this.hear), ANSWER);
    }
  }

  class Frame {
    constructor(target) {
      this.place = typeof target === "string" ? document.querySelector(target) : target;
      if (!this.place || !this.place.append) throw own("target_not_found");
      this.frame = document.createElement("iframe");
      this.frame.title = "Checkout";
      this.frame.referrerPolicy = "no-referrer";
      Object.assign(this.frame.style, { border: "0", width: "100%", height: "100%", minHeight: "640px" });
      this.place.append(this.frame);
    }
    get mode() {
      return "iframe";
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

  /** The page itself goes; it is only still here when the user comes back by the back button. */
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
    show(url, sessionId) {
      memory("setItem", this.transactionId, sessionId);
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
     * @param {{gateway: string, smallcaseAuthToken: string,
     *   config?: {amo?: boolean, target?: string | Element, redirectUrl?: string}}} options
     * @throws {TypeError} when gateway or token is missing.
     */
    constructor({ gateway, smallcaseAuthToken, config = {} } = {}) {
      if (typeof gateway !== "string" || !gateway) throw new TypeError("scDK: gateway is required.");
      this.#gateway = gateway;
      this.#config = { amo: false, ...config };
      this.#use(smallcaseAuthToken);
    }

    /** Go on for another user. A transaction that is running goes on for the one it began with. */
    async init({ smallcaseAuthToken } = {}) {
      this.#use(smallcaseAuthToken);
      return { gateway: this.#gateway };
    }

    /**
     * Shows the checkout of a transaction. Call it in the user's click: browsers open no popup otherwise.
     * @param {{transactionId: string, brokers?: string[]}} options
     * @returns {Promise<object>} the SDK response; rejects with `{code, message, data}`.
     */
    triggerTransaction({ transactionId, brokers } = {}) {
      if (this.#isRunning) return Promise.reject(own("transaction_in_process"));
      if (!TRANSACTION.test(transactionId)) return Promise.reject(failure(3002, "invalid_transactionId"));
      let surface;
      try {
        surface = this.#surface(transactionId); // before anything is awaited: later it would be no user's click
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
     * In redirect mode, on the page that the user came back to: how the transaction ended.
     * @param {{transactionId?: string}} [options] taken from the page's address when left out.
     */
    async outcome({ transactionId = new URLSearchParams(location.search).get("transactionId") } = {}) {
      const sessionId = transactionId && memory("getItem", transactionId);
      if (!sessionId) throw failure(3002, "invalid_transactionId");
      const response = await this.#ending(sessionId, this.#token);
      memory("removeItem", transactionId);
      return response;
    }

    #use(token) {
      if (typeof token !== "string" || token.split(".").length !== 3) {
        throw new TypeError("scDK: smallcaseAuthToken must be a JWT.");
      }
      this.#token = token;
    }

    #surface(transactionId) {
      if (this.#config.redirectUrl) return new Page(this.#config.redirectUrl, transactionId);
      return this.#config.target ? new Frame(this.#config.target) : new Popup();
    }

    async #run(surface, transactionId, brokers) {
      const token = this.#token;
      const opened = await this.#post(token, "sessions", {
        transactionId,
        mode: surface.mode,
        amo: this.#config.amo === true,
        ...(surface.redirectUrl ? { redirectUrl: new URL(surface.redirectUrl, location.href).href } : {}),
        ...(brokers && brokers.length ? { brokers } : {}),
      });
      // Always at the host that we come from, whatever a proxy told the gateway that it is called.
      if (!surface.isLost) surface.show(HOST + new URL(opened.url).pathname, opened.sessionId);
      let wait = Math.max(0, Date.parse(opened.expireAt) - Date.parse(opened.now)) + 3000;
      for (let late = 0; ; ) {
        const how = await this.#next(surface, transactionId, wait);
        if (how === "lost") return this.#ending(opened.sessionId, token);
        const told = await this.#ask(token, opened.sessionId, false);
        if (told.state === "failed") throw this.#rejection(told);
        if (told.state === "done" && (how === "left" || late)) return this.#settled(token, opened.sessionId, told);
        late = told.state === "done" ? 1 : 0;
        wait = late ? LINGERING : 15000;
      }
    }

    /** What happens next: the user "left" the checkout, the window was "lost", or it is "time" to ask. */
    #next(surface, transactionId, wait) {
      return new Promise((done) => {
        const finish = (how) => {
          removeEventListener("message", hear);
          clearInterval(looking);
          clearTimeout(ending);
          done(how);
        };
        const hear = (event) => {
          const ours = event.origin === HOST && surface.window && event.source === surface.window;
          if (ours && event.data && event.data.scdk === "left" && event.data.transactionId === transactionId) finish("left");
        };
        addEventListener("message", hear);
        const looking = setInterval(() => surface.isLost && finish("lost"), LOOK);
        const ending = setTimeout(() => finish("time"), Math.min(wait, 2147483647));
      });
    }

    /** The window is gone: what was not confirmed by now ends, and what was is the answer. */
    async #ending(sessionId, token) {
      const told = await this.#ask(token, sessionId, true);
      if (told.state === "failed") throw this.#rejection(told);
      if (told.state !== "done") throw failure(4003, "timed_out");
      return this.#settled(token, sessionId, told);
    }

    async #settled(token, sessionId, told) {
      const until = Date.now() + PLACING;
      while (!told.settled && Date.now() < until) {
        await pause(300);
        told = await this.#ask(token, sessionId, false);
      }
      return told.response;
    }

    /** Asks until there is an answer, for as long as a network may reasonably be down. */
    async #ask(token, sessionId, left) {
      const until = Date.now() + TRYING;
      for (let wait = 500; ; wait *= 2) {
        try {
          return await this.#post(token, "sessions/outcome", { sessionId, left });
        } catch (reason) {
          const passing = reason.code === OWN.network_error || reason.code === 2000 || reason.data.status === 429;
          if (!passing || Date.now() + wait > until) throw reason;
          await pause(wait);
        }
      }
    }

    #rejection({ error: { code, message, ...data } }) {
      return failure(code, message, data);
    }

    async #post(token, path, body) {
      let answer, told;
      try {
        answer = await fetch(`${HOST}/checkout/${encodeURIComponent(this.#gateway)}/${path}`, {
          method: "POST",
          mode: "cors",
          credentials: "omit",
          cache: "no-store",
          referrerPolicy: "no-referrer",
          headers: { "content-type": "application/json", "x-gateway-authtoken": token },
          body: JSON.stringify(body),
          signal: AbortSignal.timeout(ANSWER),
        });
        told = await answer.json();
      } catch {
        // A refused preflight looks the same: a page is not told why. docs/checkout.md says what to check.
        throw own("network_error");
      }
      if (told.success) return told.data;
      if (told.data && told.data.code) throw this.#rejection({ error: told.data });
      if (answer.status >= 500) throw failure(2000, "internal_error", { errors: told.errors });
      throw own("not_allowed", { status: answer.status, errorType: told.errorType, errors: told.errors });
    }
  }

  Object.defineProperty(scDK, "version", { value: "2.0.0" });
  window.scDK = scDK;
})();
