// Updates the sum while the user types. The server computes the sum again on each save.
"use strict";
(() => {
  const PLACES = 4;
  const form = document.getElementById("lines");
  const shown = form && form.querySelector("[data-total]");
  if (!shown) return;
  const fields = [...form.querySelectorAll("[data-weight]")];
  let isChanged = false;

  // In ten-thousandths, so that 0.1 + 0.2 is 0.3; null for an invalid weight.
  function steps(text) {
    const found = /^\s*0*(\d{0,3})(?:\.(\d{0,4})0*)?\s*$/.exec(text);
    if (!found) return null;
    const number = Number(found[1]) * 10 ** PLACES + Number((found[2] || "").padEnd(PLACES, "0"));
    return number > 0 && number <= 100 * 10 ** PLACES ? number : null;
  }

  function spelt(number) {
    const whole = Math.trunc(number / 10 ** PLACES);
    const rest = String(number % 10 ** PLACES).padStart(PLACES, "0").replace(/0+$/, "");
    return rest ? `${whole}.${rest}` : String(whole);
  }

  function add() {
    let total = 0;
    for (const field of fields) {
      const number = steps(field.value);
      field.setAttribute("aria-invalid", String(number === null));
      total += number || 0;
    }
    const isWhole = total === 100 * 10 ** PLACES && fields.every((field) => steps(field.value) !== null);
    shown.textContent = spelt(total);
    shown.className = isWhole ? "studio-good" : "studio-bad";
  }

  form.addEventListener("input", (event) => {
    isChanged = true;
    const saved = form.querySelector("[data-saved]");
    if (saved) saved.hidden = true;  // these messages describe the saved draft
    if (event.target.matches("[data-weight]")) add();
  });
  form.addEventListener("submit", () => { isChanged = false; });
  window.addEventListener("beforeunload", (event) => { if (isChanged) event.preventDefault(); });
  add();
})();
