// Enhances the checkout's forms. Every step also works without JavaScript; the server makes all decisions.
"use strict";
(() => {
  const find = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  const say = (text) => {
    const region = find("#said");
    if (region && text && region.textContent !== text) region.textContent = text;
  };

  // The countdown. The server sends the remaining seconds; the page only counts them down.
  const clock = find("[data-seconds]");
  if (clock) {
    const ends = performance.now() + 1000 * Number(clock.dataset.seconds);
    const digits = find("b", clock);
    const timer = setInterval(() => {
      const left = Math.max(0, Math.round((ends - performance.now()) / 1000));
      digits.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
      if (left <= 120 && !clock.classList.contains("clock--soon")) {
        clock.classList.add("clock--soon");
        say(clock.dataset.soon);
      }
      if (left === 0) {
        clearInterval(timer);
        setTimeout(() => location.replace(location.pathname.replace(/[^/]*$/, "")), 800);
      }
    }, 1000);
  }

  // Filters the broker list while the user types.
  const search = find("[data-filter]");
  if (search) {
    const rows = all(`#${search.dataset.filter} li`);
    const none = find("#none");
    const sentence = find("[data-none]");
    const narrow = () => {
      const wanted = search.value.trim().toLowerCase();
      let shown = 0;
      for (const row of rows) {
        row.hidden = !row.dataset.name.includes(wanted);
        if (!row.hidden) shown += 1;
      }
      none.hidden = shown > 0;
      sentence.textContent = sentence.dataset.none.replace("{}", search.value.trim());
      if (!shown) say(sentence.textContent);
    };
    search.addEventListener("input", narrow);
    search.form.addEventListener("submit", (event) => event.preventDefault());
    find("[data-clear]").addEventListener("click", (event) => {
      event.preventDefault();
      search.value = "";
      narrow();
      search.focus();
    });
  }

  for (const button of all("[data-reveal]")) {
    const field = find(`#${button.dataset.reveal}`);
    button.hidden = false;
    button.addEventListener("click", () => {
      const reveal = field.type === "password";
      field.type = reveal ? "text" : "password";
      button.setAttribute("aria-pressed", String(reveal));
    });
  }

  // Sends a form once. After the back button the page is reloaded, so it can be sent again.
  for (const form of all("form[data-once]")) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) return event.preventDefault();
      form.dataset.sent = "1";
      form.setAttribute("aria-busy", "true");
      const pressed = event.submitter;
      if (pressed && pressed.value === "confirm" && form.dataset.busy) pressed.textContent = form.dataset.busy;
    });
  }
  addEventListener("pageshow", (event) => event.persisted && location.reload());

  // Updates the confirmation while the user types: the server plans the orders.
  const order = find("#order");
  if (order) {
    let newest = 0;
    let timer;
    const update = async () => {
      const mine = (newest += 1);
      const body = new URLSearchParams(new FormData(order));
      body.set("action", "update");
      find("#sums").setAttribute("aria-busy", "true");
      try {
        const answer = await fetch(order.getAttribute("action"), { method: "POST", body, redirect: "manual" });
        if (mine !== newest || order.dataset.sent) return;
        if (!answer.ok) return location.reload();
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        if (!find("#order", fresh)) {
          body.delete("shown"); // another screen is next; if it is the login, it keeps the choices
          return location.replace(order.getAttribute("action").replace(/[^/]*$/, "?") + body);
        }
        for (const id of ["#orders", "#sums", "#notices"]) find(id).replaceChildren(...find(id, fresh).childNodes);
        for (const field of all("input[name]", order)) {
          const twin = field.id ? find(`#${CSS.escape(field.id)}`, fresh) : find(`[name="${CSS.escape(field.name)}"]`, fresh);
          if (twin && field.type !== "hidden") {
            if (twin.hasAttribute("aria-invalid")) field.setAttribute("aria-invalid", "true");
            else field.removeAttribute("aria-invalid");
          }
        }
        const help = find("#amount-help");
        if (help) help.replaceChildren(...find("#amount-help", fresh).childNodes);
      } catch {
        // No connection: the form still works, and the server recalculates when it is sent.
      } finally {
        find("#sums").removeAttribute("aria-busy");
      }
    };
    order.addEventListener("input", (event) => {
      const field = event.target;
      if (field.dataset.quiet !== undefined) return;
      if (field.dataset.picks) find(`[name=exit][value=${field.dataset.picks}]`, order).checked = true;
      clearTimeout(timer);
      newest += 1;
      const place = find("#sums .main");
      if (place) place.disabled = true; // the displayed sums are outdated
      timer = setTimeout(update, 350);
    });
  }

  for (const notice of all("[data-focus]").slice(0, 1)) notice.focus();
  for (const form of all("form[data-leaves]")) setTimeout(() => form.requestSubmit(), Number(form.dataset.leaves));

  // Polls the status page: less often while nothing changes, at once when the page becomes visible.
  const progress = find("#progress");
  if (progress && progress.dataset.final === undefined) {
    const soonest = 700;
    const latest = 10000;
    let wait = soonest;
    let tag = "";
    let timer;
    const look = async () => {
      try {
        const answer = await fetch(progress.dataset.poll, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
        if (answer.status === 205 || answer.status === 404) return location.reload();
        if (answer.status === 200) {
          show(await answer.text());
          tag = answer.headers.get("ETag") || "";
          wait = soonest;
        } else {
          wait = Math.min(wait * 1.5, latest);
        }
      } catch {
        wait = Math.min(wait * 2, latest);
      }
      if (find("[data-live]", progress)) timer = setTimeout(look, wait);
    };
    const show = (html) => {
      const fresh = new DOMParser().parseFromString(html, "text/html");
      const focused = progress.contains(document.activeElement) && document.activeElement.className;
      progress.replaceChildren(...fresh.body.childNodes);
      const headline = find("[data-headline]", progress);
      const sum = find(".meter span", progress);
      say([headline, sum].filter(Boolean).map((part) => part.textContent).join(". "));
      unveil(progress);
      if (focused) find(`.${CSS.escape(focused)}`, progress)?.focus();
    };
    timer = setTimeout(look, 400);
    document.addEventListener("visibilitychange", () => {
      if (document.hidden || !find("[data-live]", progress)) return;
      clearTimeout(timer);
      wait = soonest;
      look();
    });
  }

  function unveil(from) {
    for (const part of all(".js-show:not(button)", from)) part.hidden = false;
  }
  unveil(document);

  // The popup's waiting page: says that it is ready until it is redirected or closed. Any opener may receive this message.
  if (find("[data-opening]") && opener) {
    addEventListener("message", ({ source, data }) => source === opener && data && data.scdk === "close" && window.close());
    const stand = () => opener.postMessage({ scdk: "opening" }, "*");
    stand();
    setInterval(stand, 500);
  }

  // The checkout has moved to its URL after the login. In this window, the user can go forward.
  const forward = find("[data-forward]");
  if (forward && window.navigation?.canGoForward) {
    forward.hidden = false;
    forward.addEventListener("click", () => history.forward());
  }

  const page = (mode) => (mode === "frame" ? parent : window.opener);
  const tell = (where, mode, message) => {
    const listener = page(mode);
    if (listener && listener !== window) listener.postMessage(message, where);
  };

  // In a frame, Escape belongs to the page around it, which asks before it closes the checkout.
  if (parent !== window) {
    addEventListener("keydown", ({ key }) => key === "Escape" && parent.postMessage({ scdk: "escape" }, "*"));
  }

  // This window has logged in. The opener needs this result code and its own secret to get the result.
  const { result, origin, mode, transaction } = document.body.dataset;
  if (result) tell(origin, mode, { scdk: "result", transactionId: transaction, resultCode: result });

  // The user has left the checkout. The opener gets only this message, and asks the server for the outcome.
  const left = find("[data-left]");
  if (left) {
    tell(left.dataset.left, left.dataset.mode, { scdk: "left", transactionId: left.dataset.transaction });
    if (left.dataset.mode === "popup") setTimeout(() => window.close(), 150);
  }
})();
