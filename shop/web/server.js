/** Our own server. A refusal is an Error whose message may be shown. */

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", ...options });
  } catch {
    throw new Error("This site's server does not answer. Is it still running?");
  }
  const content = await answer.json().catch(() => ({ errors: ["The server's answer cannot be read."] }));
  if (!answer.ok) throw new Error((content.errors || []).join(" "));
  return content;
}

export const get = (path, query = {}) => ask(`${path}?${new URLSearchParams(query)}`);

export const post = (path, body = {}) =>
  ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
