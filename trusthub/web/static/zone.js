// Fills in the viewer's own time zone. Without this script the page's zone stands there, and can be changed.
"use strict";

const zone = document.querySelector("[data-viewers-zone]");
if (zone) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || zone.value;
