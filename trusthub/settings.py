"""Every variable the hub reads, each named once. All mistakes are reported together, at start."""

import os
import re
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from trusthub import packaged as packaged  # noqa: PLC0414 -- it was asked for here first, and still is
from trusthub.errors import PlaybookError


class Settings(BaseSettings):
    """The environment. Each variable is `TRUSTHUB_<NAME>`, or `TRUSTHUB_<NAME>_FILE` naming a file that holds it."""

    model_config = SettingsConfigDict(env_prefix="TRUSTHUB_", env_ignore_empty=True, extra="ignore", frozen=True)

    database_url: str = Field(
        default="sqlite:///var/trusthub.db", description="SQLAlchemy URL: sqlite or postgresql", repr=False
    )
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
    sendgrid_event_key: str = Field(
        default="", description="Verification key of SendGrid's Event Webhook; it is public", repr=False
    )
    smtp_url: SecretStr = Field(default=SecretStr(""), description="smtp://user:password@host:587 (smtps:// for TLS)")
    mail_from: str = Field(default="", description="Sender of mail: name <address>; default: page.support")
    metrics_token: SecretStr = Field(
        default=SecretStr(""), description="Bearer token that opens /metrics; without one it stays closed"
    )
    otel_url: str = Field(
        default="", description="Where traces go, by OTLP over HTTP: http://collector:4318/v1/traces", repr=False
    )
    mail_inbound: str = Field(default="", description="Where customers answer our mails, such as reply@in.acme.example")
    mail_inbound_token: SecretStr = Field(
        default=SecretStr(""), description="Lets SendGrid's Inbound Parse in: /email/inbound/<token>, or as a password"
    )
    sendgrid_inbound_key: str = Field(
        default="", description="Verification key of the security policy of Inbound Parse; it is public", repr=False
    )
    imap_url: SecretStr = Field(
        default=SecretStr(""), description="imaps://user:password@host/INBOX: a mailbox to read answers from"
    )
    files_dir: Path | None = Field(
        default=None, description="Folder for what customers attach; default: beside the SQLite file"
    )
    webhook_allow_private: bool = Field(
        default=False, description="Whether webhooks may go to private addresses, plain http and any port"
    )
    second_factor_for: str = Field(
        default="", description="Roles that need a second factor, such as: admin legal publisher"
    )
    oidc_issuer: str = Field(default="", description="An OpenID Connect provider at which staff sign in")
    oidc_client_id: str = Field(default="", description="As what this hub is registered there")
    oidc_client_secret: SecretStr = Field(default=SecretStr(""), description="The secret of that registration")
    oidc_roles_claim: str = Field(default="", description="Claim of the ID token that lists roles")
    local_sign_in: bool = Field(default=True, description="Whether staff may sign in with a password of ours")
    trusted_proxies: int = Field(default=0, ge=0, description="Reverse proxies in front whose X-Forwarded-* count")
    give_up_seconds: int = Field(
        default=3600, gt=0, description="A message that failed for so long is given up; those behind it go on"
    )
    doubt_seconds: int = Field(
        default=120, ge=0, description="How long to ask a provider about a try without an answer before the next one"
    )
    embedded_worker: bool = Field(default=True, description="Whether `trusthub serve` also delivers")
    demo: bool = Field(default=False, description="Set by `trusthub demo`: open hooks and a sandbox, loopback only")

    @field_validator("database_url")
    @classmethod
    def _is_supported(cls, url: str) -> str:
        if not re.fullmatch(r"sqlite:///(?!:memory:)[^?]+|postgres(ql(\+psycopg)?)?://.+", url):
            raise ValueError("Write sqlite:///<path of a file> or postgresql://<user>:<password>@<host>/<database>")
        return url

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url):
            raise ValueError("Write an address such as https://hub.example.com")
        return url

    @field_validator("oidc_issuer")
    @classmethod
    def _is_issuer(cls, url: str) -> str:
        if url and not re.fullmatch(r"(https://|http://(127\.0\.0\.1|localhost)\b)[^\s?#@]+", url):
            raise ValueError("Write the issuer's https address, exactly as the provider says it")
        return url

    @field_validator("mail_inbound")
    @classmethod
    def _is_mailbox(cls, address: str) -> str:
        if address and not re.fullmatch(r"[\w.-]{1,10}@[\w-]+(\.[\w-]+)+", address, re.ASCII):
            raise ValueError("Write an address with at most 10 characters before its @, such as reply@in.example.com")
        return address.lower()

    @field_validator("second_factor_for")
    @classmethod
    def _are_roles(cls, names: str) -> str:
        known = ("viewer", "support", "publisher", "legal", "admin")
        if unknown := [name for name in names.split() if name not in known]:
            raise ValueError(f"There is no role {unknown[0]!r}. Take some of {', '.join(known)}, with spaces between")
        return names

    @property
    def files(self) -> Path | None:
        """The folder of what customers attach; None on PostgreSQL unless one is named, which all processes share."""
        beside = self.sqlite_file.parent / "files" if self.sqlite_file else None
        return self.files_dir or beside

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
    found: dict[str, Any] = {}
    problems: list[str] = []
    for field in Settings.model_fields:
        try:
            found |= _from_file(field)
        except PlaybookError as error:
            problems.append(str(error))
    try:
        settings = Settings(**found)
    except ValidationError as error:
        problems += [f"{_variable(problem['loc'][0])}: {_reason(problem)}" for problem in error.errors()]
    if problems:
        message = "The environment is not right:\n  " + "\n  ".join(problems)
        raise PlaybookError(message)
    return settings


def _from_file(field: str) -> dict[str, str]:
    """Return the value of a field when a file holds it. The newline that editors add at its end is no part of it."""
    name = _variable(field)
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return {}
    if os.environ.get(name):
        raise PlaybookError(f"{name} and {name}_FILE are both set. Keep one of them.")
    try:
        value = Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        cure = "Correct the path, or let the hub read the file."
        raise PlaybookError(f"{name}_FILE: {path} cannot be read: {error.strerror}. {cure}") from error
    except UnicodeDecodeError as error:
        raise PlaybookError(f"{name}_FILE: {path} is not UTF-8. Write the value into it as text.") from error
    if len(value.splitlines()) != 1:
        state = "has several lines" if value else "is empty"
        raise PlaybookError(f"{name}_FILE: {path} {state}. Write the value of {name} into it, and nothing else.")
    return {field: value}


def _variable(field: object) -> str:
    return f"TRUSTHUB_{field}".upper()


def _reason(problem: ErrorDetails) -> str:
    return problem["msg"].removeprefix("Value error, ").removesuffix(".") + "."
