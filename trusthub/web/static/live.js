// Asks again for every part of the page that is marked with data-live, and shows what has changed.
// Without this script the page says the same when it is loaded again.
"use strict";

const SOON = 2000; // milliseconds between looks while something is under way
const LATER = 10000; // and while nothing is

function watch(part) {
  let shown = "";

  async function look() {
    let wait = LATER;
    if (!document.hidden) {
      try {
        const answer = await fetch(part.dataset.live, { redirect: "manual" });
        if (answer.type === "opaqueredirect") return; // signed out: there is nothing more to see
        if (answer.ok) show(await answer.text());
      } catch {
        // The hub is away for a moment; the next look may find it.
      }
    }
    if (part.querySelector(".going")) wait = SOON;
    setTimeout(look, wait);
  }

  function show(html) {
    if (html === shown) return;
    shown = html;
    const link = part.contains(document.activeElement) && document.activeElement.getAttribute("href");
    part.innerHTML = html;
    if (link) part.querySelector(`a[href="${CSS.escape(link)}"]`)?.focus();
  }

  setTimeout(look, part.querySelector(".going") ? SOON : LATER);
}

document.querySelectorAll("[data-live]").forEach(watch);
