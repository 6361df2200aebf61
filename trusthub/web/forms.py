"""Reading what customers write into our forms."""

from flask import Request

from trusthub.domain.attachment import UnfitError
from trusthub.domain.complaints import PAINS
from trusthub.services import feedback
from trusthub.web import sent_files

_NAME = 80
"""Characters."""


class Refused(Exception):  # noqa: N818 -- nothing is wrong; a person has to write it again
    """What was written cannot be taken as it is. The text is a sentence of pages.yaml that says why."""


def read_answer(incoming: Request) -> feedback.Answer:
    """Return a customer's answer. Raises Refused with what is missing in it."""
    incoming.max_content_length = sent_files.LARGEST_FORM
    form = incoming.form
    words = form.get("words", "").strip()
    name = " ".join(form.get("name", "").split())[:_NAME] or None
    email, pain = form.get("email", "").strip() or None, form.get("pain")
    if not words:
        raise Refused("Please write what you see; the message was empty. Use your browser's back button.")
    if len(words) > feedback.LONGEST:
        raise Refused("Please write at most 5000 characters. Use your browser's back button.")
    if email and not feedback.is_address(email):
        raise Refused("The email address does not look complete. Use your browser's back button and check it.")
    try:
        attached = sent_files.read(incoming)
    except UnfitError as error:
        raise Refused(str(error)) from error
    return feedback.Answer(
        words=words,
        name=name,
        email=email,
        wants_rollback="rollback" in form,
        locale=form.get("locale", ""),
        address=incoming.remote_addr or "",
        pain=pain if pain in PAINS else None,
        updates="updates" in form,
        files=attached,
    )
