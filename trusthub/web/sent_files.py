"""Files that strangers sent: read from forms, and handed out so that no browser runs or shows them as ours."""

from pathlib import Path

from flask import Request, Response

from trusthub.domain import attachment
from trusthub.domain.attachment import File, UnfitError
from trusthub.services.files import TOO_MANY
from trusthub.store.tables import Attachment

LARGEST_FORM = attachment.MOST * attachment.LARGEST + 1024 * 1024
"""Bytes of a form with files."""


def read(incoming: Request) -> list[File]:
    """Return the files of a form. Raises UnfitError with a sentence of pages.yaml."""
    given = [each for each in incoming.files.getlist("files") if each.filename]
    try:
        if len(given) > attachment.MOST:
            raise UnfitError(TOO_MANY)
        return [attachment.accept(each.filename or "", each.stream.read(attachment.LARGEST + 1)) for each in given]
    finally:
        incoming.close()


def answer(found: tuple[Attachment, Path]) -> Response:
    """Hand out a file to be saved: never shown in our origin, never guessed at, never kept on the way."""
    row, path = found
    made = Response(path.read_bytes(), mimetype=row.kind)
    made.headers.set("Content-Disposition", "attachment", filename=row.name)
    made.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    made.headers["X-Content-Type-Options"] = "nosniff"
    made.headers["Cache-Control"] = "no-store"
    made.headers["X-Robots-Tag"] = "noindex"
    made.headers["Referrer-Policy"] = "no-referrer"
    return made
