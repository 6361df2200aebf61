// Makes each strip of days one tab stop: arrow keys or a pointer choose a day, and a line says what it was.
// Without this script the table below the strips says the same.
"use strict";

const DAYS = 90; // drawn, of which a small screen shows the last ones
const DAY = 86_400_000; // milliseconds
const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: -7, PageDown: 7, Home: -DAYS, End: DAYS };

const table = document.querySelector(".days");
const language = document.documentElement.lang;
const own = navigator.languages.find((each) => each.split("-")[0] === language) ?? language; // dates as the reader has them
const date = new Intl.DateTimeFormat(own, { dateStyle: "long", timeZone: "UTC" });

function choose(part) {
  const strip = part.querySelector(".strip");
  const drawing = strip.querySelector("svg");
  const line = part.appendChild(document.createElement("p"));
  const first = Date.parse(part.dataset.first);
  const said = new Map();
  for (const row of table.querySelectorAll(`[data-of="${part.dataset.of}"]`)) {
    said.set(Date.parse(row.querySelector("time").dateTime), row.lastElementChild.textContent.trim());
  }
  let day = DAYS - 1;

  const shown = () => Math.round((DAYS * strip.clientWidth) / drawing.getBoundingClientRect().width);

  function words() {
    const at = first + day * DAY;
    const known = day < Number(part.dataset.unknown) ? table.dataset.unknown : table.dataset.clear;
    return `${date.format(at)}: ${said.get(at) ?? known}`;
  }

  function go(to) {
    const oldest = DAYS - shown();
    day = Math.min(Math.max(to, oldest), DAYS - 1);
    strip.setAttribute("aria-valuemax", DAYS - oldest);
    strip.setAttribute("aria-valuenow", day - oldest + 1);
    strip.setAttribute("aria-valuetext", words());
    strip.style.setProperty("--at", `${((day - oldest) / shown()) * 100}%`);
    strip.style.setProperty("--wide", `${68 / shown()}%`); // a bar is 3.4 of 5 wide
  }

  function show(visible = true) {
    line.textContent = words();
    line.hidden = !visible;
    strip.classList.toggle("chosen", visible);
  }

  function point(event) {
    const { left, width } = strip.getBoundingClientRect();
    go(DAYS - shown() + Math.floor(((event.clientX - left) / width) * shown()));
    show();
  }

  function press(event) {
    if (event.key in STEPS) {
      go(day + STEPS[event.key]);
      show();
      event.preventDefault();
    } else if (event.key === "Escape") {
      show(false);
    }
  }

  strip.setAttribute("role", "slider");
  strip.setAttribute("aria-label", table.dataset.label.replace("{name}", part.dataset.name));
  strip.setAttribute("aria-valuemin", 1);
  strip.tabIndex = 0;
  line.className = "said";
  line.setAttribute("aria-hidden", "true"); // the strip says it itself
  go(day);
  show(false);
  strip.addEventListener("keydown", press);
  strip.addEventListener("pointermove", point);
  strip.addEventListener("pointerdown", point);
  strip.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && show(document.activeElement === strip));
  strip.addEventListener("focus", () => { go(day); show(); });
  strip.addEventListener("blur", () => show(false));
}

if (table) document.querySelectorAll(".uptime").forEach(choose);
