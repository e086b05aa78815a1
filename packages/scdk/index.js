/**
 * Loads the browser SDK from your gateway, so that it always fits the gateway's version. No dependency.
 *
 * @param {string} host the gateway's address, such as https://gateway.example
 * @returns {Promise<typeof import("./scdk.js").default>} the class `scDK`; one load per host and page.
 */
const loads = new Map();

export function loadScdk(host) {
  const { origin } = new URL(host);
  if (!loads.has(origin)) loads.set(origin, load(`${origin}/scdk/2.0.0/scdk.js`).catch((reason) => {
    loads.delete(origin); // the next call tries again
    throw reason;
  }));
  return loads.get(origin);
}

async function load(src) {
  if (typeof document === "undefined") throw new Error("scDK needs a browser: load it on the client.");
  await new Promise((loaded, failed) => {
    const script = Object.assign(document.createElement("script"), { src, async: true });
    script.onload = loaded;
    script.onerror = () => {
      script.remove();
      failed(new Error(`${src} cannot be loaded. Is the gateway reachable, and in the page's script-src?`));
    };
    document.head.append(script);
  });
  return window.scDK;
}
