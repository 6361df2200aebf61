"""Every variable the hub reads, each named once. All mistakes are reported together, at start."""

import os
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from trusthub.errors import PlaybookError

_HERE = Path(__file__).parent


def packaged(folder: str) -> Path:
    """Return a folder that travels with the package: inside an installed wheel, or beside it in a checkout."""
    inside = _HERE / folder
    return inside if inside.is_dir() else _HERE.parent / folder


class Settings(BaseSettings):
    """The environment. Each variable is `TRUSTHUB_<NAME>`, or `TRUSTHUB_<NAME>_FILE` naming a file that holds it."""

    model_config = SettingsConfigDict(env_prefix="TRUSTHUB_", extra="ignore", frozen=True)

    database_url: str = Field(default="sqlite:///var/trusthub.db", description="SQLAlchemy URL: sqlite or postgresql")
    base_url: str = Field(default="http://127.0.0.1:8000", description="Where this hub itself answers")
    secret_key: SecretStr = Field(default=SecretStr(""), description="Signs private links and console sessions")
    site: Path = Field(default=Path("playbooks/site.yaml"), description="The site file")
    playbooks_dir: Path | None = Field(default=None, description="Folder of playbooks; default: the site file's folder")
    templates_dir: Path = Field(default_factory=lambda: packaged("templates"), description="Folder of templates")
    publish_dir: Path | None = Field(default=None, description="Folder that gets the public page as plain files")
    hook_token: SecretStr = Field(default=SecretStr(""), description="Bearer token of tools that cannot sign")
    slack_bot_token: SecretStr = Field(default=SecretStr(""), description="Slack bot token (xoxb-...)")
    slack_signing_secret: SecretStr = Field(default=SecretStr(""), description="Verifies what Slack sends")
    slack_api_url: str = Field(default="https://slack.com/api/", description="Slack's API")
    sendgrid_api_key: SecretStr = Field(default=SecretStr(""), description="SendGrid key; wins over SMTP")
    sendgrid_api_url: str = Field(default="https://api.sendgrid.com", description="SendGrid's API")
    smtp_url: SecretStr = Field(default=SecretStr(""), description="smtp://user:password@host:587 (smtps:// for TLS)")
    mail_from: str = Field(default="", description="Sender of mail: name <address>; default: page.support")
    trusted_proxies: int = Field(default=0, ge=0, description="Reverse proxies in front whose X-Forwarded-* count")
    embedded_worker: bool = Field(default=True, description="Whether `trusthub serve` also delivers")
    demo: bool = Field(default=False, description="Set by `trusthub demo`: open hooks and a sandbox, loopback only")

    @property
    def playbooks(self) -> Path:
        """The folder that holds playbooks and plans."""
        return self.playbooks_dir or self.site.parent

    @property
    def sqlite_file(self) -> Path | None:
        """The database file, or None on PostgreSQL."""
        prefix = "sqlite:///"
        return Path(self.database_url.removeprefix(prefix)) if self.database_url.startswith(prefix) else None


def load() -> Settings:
    """Read the environment. Raises PlaybookError that lists every wrong variable, without showing its value."""
    try:
        return Settings(**_from_files())
    except ValidationError as error:
        lines = [
            f"TRUSTHUB_{'_'.join(map(str, problem['loc'])).upper()}: {problem['msg']}"
            if problem["loc"]
            else problem["msg"].removeprefix("Value error, ")
            for problem in error.errors()
        ]
        message = "The environment is not right:\n  " + "\n  ".join(lines)
        raise PlaybookError(message) from None


def _from_files() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in Settings.model_fields:
        path = os.environ.get(f"TRUSTHUB_{name.upper()}_FILE")
        if path is None:
            continue
        try:
            found[name] = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise PlaybookError(f"TRUSTHUB_{name.upper()}_FILE: cannot read {path}: {error.strerror}") from error
    return found
