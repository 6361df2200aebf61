"""What people paste into a tool so that it reaches this hub: its section of the sources' README, filled in.

The README travels with the package, so there is one place for these words.
"""

import base64
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

import trusthub.sources

README = Path(trusthub.sources.__file__).with_name("README.md")
_EXAMPLE = "https://status.example.com"
_SECRET = re.compile(r"paste-the-(?:token|secret)-here|<token>")
_SHOWN = re.compile(r"shows\s+the\s+secret")
_TABLE = re.compile(r"^\|", re.MULTILINE)
_TRAPS = re.compile(r"^Traps?:", re.MULTILINE)
_BYTES = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Manual:
    """How one tool is connected."""

    source: str
    title: str
    text: str
    """Markdown: what to click or paste, with an example's address and no secret."""
    signs: bool
    """Whether the tool signs what it sends, so that its secret is never sent."""
    chooses: bool
    """Whether the tool makes the secret, and shows it."""
    knows_environment: bool
    """Whether its requests can say in which environment something happens."""

    def fresh_secret(self) -> str:
        """Return a new secret that needs no quotes anywhere, or of the form that Standard Webhooks prescribes."""
        if "whsec_" in self.text:
            return "whsec_" + base64.b64encode(secrets.token_bytes(_BYTES)).decode()
        return secrets.token_hex(_BYTES)

    def filled(self, *, hub: str, connection: str, secret: str) -> str:
        """Return the text for this hub, with a connection's name and secret."""
        mine = f"{_EXAMPLE}/hooks/{self.source}"
        text = re.sub(rf"{re.escape(mine)}(?![\w-])", f"{hub.rstrip('/')}/hooks/{connection}", self.text)
        text = text.replace(_EXAMPLE, hub.rstrip("/"))
        return _SECRET.sub(lambda _: secret, text)


def manual(source: str) -> Manual:
    """Return how `source` is connected. The README has a section for each; a test makes sure of it."""
    page = README.read_text(encoding="utf-8")
    title, text = _section(page, source)
    end = _TRAPS if re.search(r"\bbelow\b", _TABLE.split(text)[0]) else _TABLE  # the table says what to choose
    row = re.search(rf"^\| `{re.escape(source)}` \|(.*)$", page, re.MULTILINE)
    who, _, environment, *_ = [cell.strip() for cell in row[1].split("|")] if row else ("", "", "")
    return Manual(
        source=source,
        title=title,
        text=end.split(text)[0].strip(),
        signs="HMAC" in who or "Standard Webhooks" in who,
        chooses=_SHOWN.search(text) is not None,
        knows_environment="connection's" not in environment,
    )


def _section(page: str, source: str) -> tuple[str, str]:
    """Return title and text of the section that has the source's address, best of all under its name."""
    address = re.compile(rf"/hooks/{re.escape(source)}(?![\w-])")
    parts = [part.partition("\n") for part in page.split("\n## ")[1:]]
    found = [(title, text) for title, _, text in parts if address.search(text)]
    return min(found, key=lambda part: part[0].lower().replace(" ", "-") != source)
