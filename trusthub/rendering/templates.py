"""The one door to Jinja2: each template runs in a sandbox, in the reader's language, and reads what it is handed."""

from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from pathlib import Path

from jinja2 import TemplateError

from trusthub.domain.message import Rendered
from trusthub.errors import PlaybookError
from trusthub.rendering import locales
from trusthub.rendering.locales import MAIN, Locale
from trusthub.rendering.messages import Messages, Place, names
from trusthub.rendering.mistakes import bare, explained
from trusthub.rendering.sandbox import PageSandbox


def opened(root: Path) -> "Templates":
    """Return the templates in a folder. They are read, compiled and tried once, for as long as no file changes."""
    stamps = ((str(file), (seen := file.stat()).st_mtime_ns, seen.st_size) for file in root.rglob("*.*"))
    return _opened(root, frozenset(stamps))


@lru_cache(maxsize=2)
def _opened(root: Path, _stamps: frozenset[tuple[str, int, int]]) -> "Templates":
    return Templates(root)


class Templates:
    """The templates in one folder. Nothing is shared between two of these; a language is read when it is asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._locales: dict[str, Locale] = {}
        self._messages: dict[str, Messages] = {}
        self._pages: dict[str, PageSandbox] = {}
        self._right: set[str] = set()

    @cached_property
    def locales(self) -> tuple[str, ...]:
        """The codes of all languages that messages are written in."""
        return locales.codes(self.root)

    def locale(self, code: str) -> Locale:
        """Return a language. Raises PlaybookError when there is none of that code."""
        if code not in self._locales:
            self._locales[code] = locales.read(self.root, code)
        return self._locales[code]

    def messages_in(self, code: str) -> Messages:
        """Return the messages of a language."""
        if code not in self._messages:
            locale = self.locale(code)
            self._messages[code] = Messages(locale.messages, locale.around, locale.speech)
        return self._messages[code]

    def messages(self) -> tuple[str, ...]:
        """Return the names of all messages."""
        return self._names

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return names(self.root / "messages")

    def render(
        self, message: str, facts: Mapping[str, object], *, public: bool, locale: str = MAIN, zone: str = "UTC"
    ) -> Rendered:
        """Put `facts` into `message` in a language, with times in `zone`; see `Messages.render`."""
        return self.messages_in(locale).render(message, facts, public=public, zone=zone)

    def text(self, name: str, locale: str = MAIN, **context: object) -> str:
        """Render Markdown from templates/email that goes around messages. What the caller hands in becomes words."""
        return self.messages_in(locale).text(name, **context)

    def line(self, name: str, locale: str = MAIN, **context: object) -> str:
        """Render one line of plain text, such as the name of an incident, from templates/messages."""
        return self.messages_in(locale).line(name, **context)

    def page(self, name: str, locale: str = MAIN, **context: object) -> str:
        """Render HTML, such as `pages/index.html` or `email/layout.html`. Everything but Markup is escaped."""
        try:
            return self._page(locale).get_template(name).render(context)
        except TemplateError as error:
            raise explained(error, str(self.root / name), self.root) from error

    def facts_of(self, message: str, locale: str = MAIN) -> set[str]:
        """Return every name that the message reads, in all its files and what they include."""
        return self.messages_in(locale).facts_of(message)

    def internal_facts(self, message: str, locale: str = MAIN) -> dict[str, Place]:
        """Return the internal facts that the message reads, each with the place of its first use."""
        return self.messages_in(locale).internal_facts(message)

    def check(self, used: Iterable[str] | None = None) -> None:
        """Try everything out, in the languages that are `used` (all when not given); what was right stays right.

        Raises PlaybookError that lists all problems; it stands at the first of them.
        """
        problems: list[PlaybookError] = []
        asked = set(self.locales if used is None else used)
        for code in sorted(asked - self._right):
            problems += [problem for message in self.messages() for problem in self.messages_in(code).check(message)]
        pages = self._page(MAIN)
        for name in pages.list_templates(["html"]) if asked - self._right else ():
            try:
                pages.get_template(name)
            except TemplateError as error:
                problems.append(explained(error, str(self.root / name), self.root))
        if problems:
            first, *others = {str(problem): problem for problem in problems}.values()
            raise PlaybookError("\n  ".join([bare(first), *map(str, others)]), file=first.file, line=first.line)
        self._right |= asked

    def _page(self, code: str) -> PageSandbox:
        if code not in self._pages:
            self._pages[code] = PageSandbox(self.root, self.locale(code).speech, self.locale(code).said)
        return self._pages[code]
