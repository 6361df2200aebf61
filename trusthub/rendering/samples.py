"""Messages with the sample facts of `domain.message`: what their author sees before anybody else does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trusthub.domain.message import FACTS, Moment
from trusthub.rendering import markdown
from trusthub.rendering.markdown import Footer
from trusthub.rendering.templates import Templates

Facts = dict[str, object]
_ALL: Facts = {name: fact.sample for name, fact in FACTS.items()}
_OVER = ("exposed_until", "rollback_finished_at", "resolved_at")
_ROLLOUT = ("to_version", "from_version", "peak", "exposed_from", "rollback_started_at", *_OVER)

CASES: Mapping[str, Callable[[], Facts]] = {
    "known": lambda: dict(_ALL),
    "ongoing": lambda: _ALL | dict.fromkeys(_OVER),
    "no-rollout": lambda: _ALL | dict.fromkeys(_ROLLOUT),
    "unknown": lambda: {name: None if fact.optional else fact.sample for name, fact in FACTS.items()},
}
"""All is known and it is over; it goes on; no rollout is behind it; nothing is known that may be unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One message in one language and case, in every shape."""

    message: str
    locale: str
    language: str
    """What the language calls itself."""
    case: str
    subject: str
    text: str
    """The plain part of a mail."""
    html: str
    """The whole mail."""
    words: str
    """The words of the HTML part, as a mail program without pictures shows them."""
    slack: str


def show(templates: Templates, message: str, locale: str, case: str) -> Shown:
    """Render a message for preview. Internal facts are there: who may read it is the playbook's business."""
    facts = CASES[case]() | ({} if message == Moment.INCIDENT_UNWELCOME else {"complaint": None})
    rendered = templates.render(message, facts, public=False, locale=locale)
    page, url = str(_ALL["page"]), str(_ALL["page_url"])
    why = templates.line("why.txt", locale, reader="subscriber", page=page, about=_ALL["component"])
    links = {"answer_url": str(_ALL["answer_url"]), "unsubscribe_url": f"{url}/subscriptions/sample"}
    footer = Footer(page=page, page_url=url, why=why, language=locale, **links)
    html = markdown.to_email(templates, rendered, footer)
    return Shown(
        message=message,
        locale=locale,
        language=templates.locale(locale).name,
        case=case,
        subject=rendered.subject,
        text=markdown.to_email_text(templates, rendered, footer),
        html=html,
        words=markdown.words_of(html),
        slack=markdown.to_slack(rendered.slack or rendered.body),
    )
