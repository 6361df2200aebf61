"""What the readers of each language get: the same facts, and a person's words as far as they are in that language."""

from collections.abc import Mapping

from trusthub.services.facts import Facts
from trusthub.services.hub import Hub

Translations = Mapping[str, str]
"""What a person wrote, by the code of its language."""

_WRITTEN = ("note", "effect", "advice")
"""What a person here may write in each language."""
_SAID_ONCE = ("complaint", "motive")
"""What a person here wrote in the page's own language only."""


def translations(hub: Hub, words: str, others: Translations | None = None) -> Translations:
    """Return a person's words in the page's own language, with those in `others` that are not empty."""
    given = {code: text for code, text in (others or {}).items() if text and code in hub.page.locales}
    return {hub.page.main: words, **given}


def in_language(hub: Hub, facts: Facts, locale: str) -> Facts:
    """Return facts for the readers of a language.

    A note that is not in it is marked, and says that it is not translated: people here write in the first page's own
    language. The plan's reason for a time is left out,
    and so are a component's own words: both are written in the page's own language only.
    """
    said, own = dict(facts), hub.configuration.site.page.main
    for written in _WRITTEN:
        if isinstance(words := facts.get(written), Mapping):
            said[written] = words.get(locale) or marked(hub, words, locale)
    for once in _SAID_ONCE:
        if locale != own and (words := facts.get(once)):
            said[once] = marked(hub, {own: words}, locale)
    if isinstance(name := facts.get("incident_name"), Mapping):
        said["incident_name"] = name.get(locale) or name[hub.page.main]
    if locale != own:
        said.update(recovery_basis=None, task=None, symptom=None)
    if locale != hub.page.main:
        said["component"] = _component(hub, facts, locale)
        for name in ("incident_url", "answer_url", "calendar_url"):
            if url := facts.get(name):
                said[name] = str(url).replace(f"{hub.page.url}/", f"{hub.home_url(locale)}/", 1)
    return said


def marked(hub: Hub, note: Translations, locale: str) -> str:
    """Return Markdown that gives a note in the page's own language, as what it is, to readers of another."""
    untranslated, own = hub.configuration.templates.locale(locale).untranslated, hub.configuration.site.page.main
    return f"*{untranslated}*\n\n::: {own}\n\n{note[own]}\n\n:::"


def _component(hub: Hub, facts: Facts, locale: str) -> object:
    """Return what an incident is about; several components are listed as the language does."""
    listed, names = hub.configuration.templates.locale, facts.get("components") or ()
    several = len(names) > 1 and facts.get("component") == listed(hub.page.main).speech.listed(names)
    return listed(locale).speech.listed(names) if several else facts.get("component")
