// Keys for who works through many conversations: j and k walk along the lines, every other key is named by the element
// that it focuses or presses (data-key). Without this script everything can be reached by Tab.
"use strict";

function lines() {
  return [...document.querySelectorAll("main tbody tr td:first-child a")];
}

function walk(step) {
  const all = lines();
  const at = all.indexOf(document.activeElement);
  all[Math.min(Math.max(at + step, 0), all.length - 1)]?.focus();
}

document.addEventListener("keydown", (event) => {
  const writes = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "Escape" && writes) return writes.blur();
  if (writes || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "j") return walk(1);
  if (event.key === "k") return walk(-1);
  const wanted = [...document.querySelectorAll("[data-key]")].find((each) => each.dataset.key === event.key);
  if (!wanted) return;
  event.preventDefault();
  wanted.matches("a, button") ? wanted.click() : wanted.focus();
});
