"""The secret that signs private links and sessions."""

import secrets
from pathlib import Path

from trusthub.errors import PlaybookError
from trusthub.settings import Settings


def secret(settings: Settings) -> str:
    """Return what signs links and sessions; on SQLite it is made once and kept beside the database."""
    found, file = known(settings), beside(settings)
    if found is not None:
        return found
    if file is None:
        raise PlaybookError("TRUSTHUB_SECRET_KEY is needed with PostgreSQL: every process must sign with the same one.")
    return put(file, secrets.token_urlsafe(32))


def known(settings: Settings) -> str | None:
    """Return the secret if there is one, and make none."""
    given, file = settings.secret_key.get_secret_value(), beside(settings)
    if given or file is None or not file.exists():
        return given or None
    return file.read_text(encoding="utf-8")


def beside(settings: Settings) -> Path | None:
    """Return where the secret of a SQLite database is kept when the environment has none."""
    return settings.sqlite_file.with_suffix(".secret") if settings.sqlite_file else None


def put(file: Path, value: str) -> str:
    """Write a secret for nobody but its owner to read; return it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(value, encoding="utf-8")
    return value
