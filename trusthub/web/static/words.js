// Asks about the words in every field that is marked with data-state while they are written, and shows what is wrong.
// Without this script the same is said when the form is sent.
"use strict";

const PAUSE = 400; // milliseconds without a key before we ask

function read(field) {
  const said = document.createElement("div");
  said.className = "heard";
  said.setAttribute("role", "status");
  said.setAttribute("aria-label", "About these words");
  field.after(said);
  let timer = 0;
  let asked = 0;

  async function ask() {
    const mine = ++asked;
    const form = field.form;
    const words = field.value;
    const state = field.dataset.state || form.elements.state.value;
    const csrf_token = form.elements.csrf_token.value;
    try {
      const body = new URLSearchParams({ csrf_token, words, state, locale: field.lang });
      const answer = await fetch("/console/words", { method: "POST", body, redirect: "manual" });
      if (mine !== asked) return; // more was written meanwhile
      said.innerHTML = answer.ok ? await answer.text() : "";
    } catch {
      said.replaceChildren(); // the hub is away for a moment: sending asks again
    }
    said.querySelectorAll("button").forEach((button) => button.addEventListener("click", () => mend(button, words)));
  }

  // Offsets count characters as Python does, and a pair of surrogates is one of them.
  function mend(button, words) {
    if (field.value !== words) return later(0);
    const signs = Array.from(words);
    const [start, end] = [Number(button.dataset.start), Number(button.dataset.end)];
    const from = signs.slice(0, start).join("").length;
    const to = from + signs.slice(start, end).join("").length;
    field.setRangeText(button.dataset.rewrite, from, to, "select");
    field.focus();
    later(0);
  }

  function later(pause) {
    clearTimeout(timer);
    timer = setTimeout(ask, pause);
  }

  field.addEventListener("input", () => later(PAUSE));
  if (field.dataset.state === "") field.form.elements.state.addEventListener("change", () => later(0));
  if (field.value.trim()) later(0);
}

document.querySelectorAll("[data-state]").forEach(read);
