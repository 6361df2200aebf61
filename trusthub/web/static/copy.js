// Puts the words of the element that a button names (data-copy) on the clipboard. Without this script, or
// where a browser keeps its clipboard to itself (plain http), there is no button, and the words can be selected.
"use strict";

document.querySelectorAll("[data-copy]").forEach((button) => {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    const words = document.getElementById(button.dataset.copy).textContent.replace(/\s+/g, " ").trim();
    await navigator.clipboard.writeText(words);
    button.textContent = "Copied";
  });
});
