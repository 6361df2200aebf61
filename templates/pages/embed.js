// The state of a status page on any other page: <script src="https://status.example/embed.js" async></script>
// data-language picks the language, data-target the element that it goes into; else it stands behind the script.
// It asks nobody but the host that it came from, which script-src and connect-src must allow. It needs no inline style.
(() => {
  "use strict";
  const script = document.currentScript;
  const source = new URL("embed.json", script.src);
  const wanted = (script.dataset.language || document.documentElement.lang || "").toLowerCase();
  const AGAIN = 60_000; // milliseconds between looks
  const OLD = 300_000; // after so long without an answer nothing is claimed any more
  const DRAWN = {
    none: ["M12 1a11 11 0 1 0 0 22 11 11 0 1 0 0-22", "m7 12.5 3.4 3.4L17 9"],
    maintenance: ["M12 1a11 11 0 1 0 0 22 11 11 0 1 0 0-22", "M12 6.5V12l3.6 2.4"],
    minor: ["M10.4 2.6a1.9 1.9 0 0 1 3.2 0l9.6 17a1.9 1.9 0 0 1-1.6 2.9H2.4a1.9 1.9 0 0 1-1.6-2.9z", "M12 8.5v6m0 3.6v.1"],
    major: ["M12 1a11 11 0 1 0 0 22 11 11 0 1 0 0-22", "M12 6.5V13m0 4v.1"],
    critical: ["M7.5 1h9L23 7.5v9L16.5 23h-9L1 16.5v-9z", "m8.5 8.5 7 7m0-7-7 7"],
    unknown: ["M12 1a11 11 0 1 0 0 22 11 11 0 1 0 0-22", "M7 12h10"],
  };
  const STYLE = `
    :host { display: inline-block; max-width: 100%; }
    a { display: inline-flex; gap: .5em; align-items: center; padding: .3em .75em; border: 1px solid;
      border-color: #808a96; border-color: light-dark(#808a96, #737e8a); border-radius: .5em; font: inherit;
      background: #fff; background: light-dark(#fff, #14171b); color: #1a1e24; color: light-dark(#1a1e24, #e8ebee);
      text-decoration: none; }
    a:hover { text-decoration: underline; }
    a:focus-visible { outline: 3px solid; outline-offset: 2px; }
    svg { flex: none; width: 1.1em; height: 1.1em; fill: var(--mark); }
    svg path + path { fill: none; stroke: #fff; stroke: light-dark(#fff, #14171b); stroke-width: 2.6;
      stroke-linecap: round; stroke-linejoin: round; }
    .none { --mark: #1f7a43; --mark: light-dark(#1f7a43, #52b977); }
    .maintenance { --mark: #1a66b3; --mark: light-dark(#1a66b3, #64a8ea); }
    .minor { --mark: #966400; --mark: light-dark(#966400, #dba62a); }
    .major { --mark: #b84a00; --mark: light-dark(#b84a00, #ee8a48); }
    .critical { --mark: #c42b2b; --mark: light-dark(#c42b2b, #f07777); }
    .unknown { --mark: #5b6570; --mark: light-dark(#5b6570, #98a2ad); }`;

  const host = document.createElement("span");
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [sheet];
  const link = root.appendChild(document.createElement("a"));
  const target = script.dataset.target && document.querySelector(script.dataset.target);
  if (target) target.append(host);
  else script.after(host);

  let answered = -Infinity;

  function draw(state) {
    const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    picture.setAttribute("viewBox", "0 0 24 24");
    picture.setAttribute("aria-hidden", "true");
    for (const line of DRAWN[state]) {
      picture.appendChild(document.createElementNS(picture.namespaceURI, "path")).setAttribute("d", line);
    }
    return picture;
  }

  function show(state, words, url, language) {
    if (link.textContent === words && link.className === state) return;
    link.href = url;
    link.lang = language;
    link.className = state;
    link.replaceChildren(draw(state), document.createTextNode(words));
  }

  async function look() {
    if (!document.hidden) {
      try {
        const answer = await fetch(source, { credentials: "omit" });
        const found = await answer.json();
        const languages = found.languages;
        const code = [wanted, wanted.split("-")[0], found.main].find((each) => Object.hasOwn(languages, each));
        const said = languages[code];
        show(Object.hasOwn(DRAWN, found.indicator) ? found.indicator : "unknown", `${found.name}: ${said.headline}`, said.url, code);
        answered = performance.now();
      } catch {
        if (performance.now() - answered > OLD) show("unknown", source.host, new URL(".", source).href, "");
      }
    }
  }

  look();
  setInterval(look, AGAIN);
})();
