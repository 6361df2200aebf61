// Tells colleagues who has a conversation open and who writes, and shows what they tell. Without this script two
// answers still do not cross: the form says when somebody was first.
"use strict";

const BEAT = 10_000; // milliseconds between signs of life; the hub forgets after three

const place = document.querySelector("[data-here]");
const words = document.getElementById("words");

async function beat() {
  if (document.hidden) return;
  const csrf_token = document.querySelector("[name=csrf_token]").value;
  const writing = words && document.activeElement === words && words.value.trim() ? "1" : "0";
  try {
    const body = new URLSearchParams({ csrf_token, writing });
    const answer = await fetch(place.dataset.here, { method: "POST", body, redirect: "manual" });
    if (answer.ok) place.innerHTML = await answer.text();
  } catch {
    // the hub is away for a moment: the next beat tells again
  }
}

if (place) {
  setInterval(beat, BEAT);
  document.addEventListener("visibilitychange", beat);
  words?.addEventListener("input", beat, { once: true });
  beat();
}
