// The partner's server in JavaScript, for Node 18 and newer: what shop/partner.py and shop/webhook.py do, without a dependency.
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";

export function tokenFor(partner, authId) {
  const who = authId ? { smallcaseAuthId: authId } : { guest: true };
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { ...who, exp: Math.floor(Date.now() / 1000) + 3600 };
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${createHmac("sha256", partner.jwtSecret).update(signed).digest("base64url")}`;
}

/** Who logged in: believed because the gateway signed it with the secret that only we two know. */
export function authIdIn(partner, token) {
  const [head, claims, signature] = token.split(".");
  const wanted = createHmac("sha256", partner.jwtSecret).update(`${head}.${claims}`).digest("base64url");
  if (!same(signature, wanted)) throw new Error("this token is none that the gateway has signed");
  const { smallcaseAuthId, exp } = JSON.parse(Buffer.from(claims, "base64url"));
  if (!smallcaseAuthId || !(exp > Date.now() / 1000)) throw new Error("this token is a guest's, or has expired");
  return smallcaseAuthId;
}

export async function call(partner, method, path, { authId, body, headers, query } = {}) {
  const answer = await fetch(`${partner.url}${path}?${new URLSearchParams(query)}`, {
    method,
    headers: {
      "content-type": "application/json",
      "x-gateway-secret": partner.apiSecret,
      "x-gateway-authtoken": tokenFor(partner, authId),
      ...headers,
    },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(12_000),
  });
  const envelope = await answer.json();
  if (!envelope.success) throw new Error(`${envelope.errorType}: ${envelope.errors.join(" ")}`);
  return envelope.data;
}

/** Once, though it may be sent twice: the gateway knows the second by its key. */
export async function createTransaction(partner, body, authId) {
  const once = { authId, body, headers: { "idempotency-key": randomUUID() } };
  const send = () => call(partner, "POST", `/gateway/${partner.name}/transaction`, once);
  return send().catch((error) => (error instanceof TypeError ? send() : Promise.reject(error)));
}

/** A basket of securities: each with ticker, quantity and type (BUY or SELL). */
export function buyBasket(partner, securities, authId) {
  const orderConfig = { type: "SECURITIES", securities };
  return createTransaction(partner, { intent: "TRANSACTION", orderConfig, config: { orderName: "Your basket" } }, authId);
}

/** The user chooses the amount on the checkout's screen. */
export function buySmallcase(partner, scid, authId) {
  return createTransaction(partner, { intent: "TRANSACTION", orderConfig: { type: "BUY", scid } }, authId);
}

export async function smallcases(partner) {
  const query = { sortBy: "minInvestAmount", count: 50 };
  return (await call(partner, "GET", `/v1/${partner.name}/engine/smallcases`, { query })).smallcases;
}

/** What is invested and earned, and what can be done next; what was exited. */
export async function investments(partner, authId) {
  const engine = `/v1/${partner.name}/engine/user`;
  const now = await call(partner, "GET", `${engine}/investments`, { authId, query: { aggregatedData: true } });
  return { ...now, exited: await call(partner, "GET", `${engine}/exitedSmallcases`, { authId }) };
}

/** INVESTMORE, FIX, REBALANCE, SIP, MANAGE or EXIT on an invested smallcase: its owner's token only. */
export function orderOn(partner, kind, iscid, authId) {
  return createTransaction(partner, { intent: "TRANSACTION", orderConfig: { type: kind, iscid } }, authId);
}

/** Standard Webhooks, over the bytes that came: `body` is a Buffer, header names are in lower case. */
export function verifySignature(headers, body, secrets) {
  const sent = headers["webhook-timestamp"];
  if (!(Math.abs(Date.now() / 1000 - Number(sent)) <= 300)) throw new Error("too old, or a clock is wrong");
  const signed = Buffer.concat([Buffer.from(`${headers["webhook-id"]}.${sent}.`), body]);
  const given = String(headers["webhook-signature"]).split(" ");
  const wanted = secrets.map((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
    return "v1," + createHmac("sha256", key).update(signed).digest("base64");
  });
  if (!given.some((one) => wanted.some((other) => same(one, other)))) throw new Error("no signature fits the body");
}

/** smallcase Gateway's: over timestamp and smallcaseAuthId as they stand in the body. */
export function verifyChecksum(event, apiSecret) {
  const message = `${event.timestamp ?? ""}${event.smallcaseAuthId ?? ""}`;
  const wanted = createHmac("sha256", apiSecret).update(message).digest("hex");
  if (!same(String(event.checksum), wanted)) throw new Error("the checksum does not fit");
}

function same(one, other) {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
