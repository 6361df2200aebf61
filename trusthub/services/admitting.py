"""Words that a person wrote pass, or they do not: the linter's errors need a reason, the house's own words a role."""

from collections.abc import Iterable

from sqlmodel import Session

from trusthub.services import acts, wording
from trusthub.services.acts import Act
from trusthub.services.hub import Hub
from trusthub.services.language import Translations

TITLE = "notice"
"""As what a title is read, and words about planned work: they owe nothing, and only what stands in them counts."""


def admit(session: Session, hub: Hub, act: Act, words: Iterable[Translations], state: str, subject: str) -> None:
    """Let a person's words pass, and keep in the audit log which rules they overruled, and why.

    `words` are those of one act, each by language; `state` is what the linter reads them as; `subject` is what they
    are about. Raises UnfitError when they may not be published as they are, or not by this person.
    """
    folder, roles = hub.configuration.templates.root, hub.configuration.site.roles
    overruled = [
        finding
        for said in words
        for code, text in said.items()
        for finding in wording.admit(
            folder,
            text,
            state=state,
            locale=code,
            reason=act.reason,
            holds=lambda role: roles.holds(role, act.email),
        )
    ]
    if overruled:
        rules = ", ".join(sorted({finding.rule for finding in overruled}))
        acts.audit_row(session, act, "overruled the linter", subject, f"{rules}: {act.reason}")
