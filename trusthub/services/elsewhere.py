"""What other sites show of the page: the badge, and the widget with what it says."""

import json
from collections.abc import Iterator, Sequence

from trusthub.services.hub import Hub
from trusthub.services.views import STATUS_WORDS, PageView

SVG, SCRIPT, JSON = "image/svg+xml; charset=utf-8", "text/javascript; charset=utf-8", "application/json; charset=utf-8"
_WORDS = {
    "none": STATUS_WORDS["operational"],
    "maintenance": STATUS_WORDS["under_maintenance"],
    "minor": STATUS_WORDS["degraded_performance"],
    "major": STATUS_WORDS["partial_outage"],
    "critical": STATUS_WORDS["major_outage"],
}


def files(hub: Hub, pages: Sequence[PageView]) -> Iterator[tuple[str, str, bytes]]:
    """Yield path, content type and bytes of each file. `pages` is the page in each language, its own first."""
    templates = hub.configuration.templates
    for page in pages:
        words = templates.locale(page.locale).said(_WORDS[page.indicator]).unescape()
        badge = templates.page("pages/badge.svg", page.locale, page=page, words=words)
        yield f"{page.prefix}/badge.svg", SVG, badge.strip().encode()
    yield "/embed.js", SCRIPT, templates.page("pages/embed.js").encode()
    yield "/embed.json", JSON, _document(pages)


def _document(pages: Sequence[PageView]) -> bytes:
    """Return what the widget reads: one document for all languages, so that it asks once."""
    main = pages[0]
    languages = {page.locale: {"headline": page.headline, "url": page.home} for page in pages}
    said = {"name": main.name, "indicator": main.indicator, "main": main.locale, "languages": languages}
    return json.dumps(said, ensure_ascii=False).encode()
