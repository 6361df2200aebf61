"""The environment: every variable, each also from a file, and what is said when one is wrong."""

import os
from errno import EACCES
from pathlib import Path
from unittest.mock import Mock

import pytest
from pydantic import SecretStr

from trusthub import settings
from trusthub.errors import PlaybookError
from trusthub.settings import Settings, packaged

GOOD = {
    "database_url": "postgresql://hub:hunter2@db.acme.example/hub",
    "base_url": "https://hub.acme.example",
    "site": "/etc/trusthub/site.yaml",
    "playbooks_dir": "/etc/trusthub/playbooks",
    "templates_dir": "/etc/trusthub/templates",
    "publish_dir": "/var/www/status",
    "slack_api_url": "https://slack.acme.example/api/",
    "sendgrid_api_url": "https://sendgrid.acme.example",
    "mail_from": "Acme <status@acme.example>",
    "trusted_proxies": "2",
    "give_up_seconds": "7200",
    "doubt_seconds": "60",
    "embedded_worker": "false",
    "webhook_allow_private": "true",
    "demo": "true",
    "mail_inbound": "reply@in.acme.example",
    "files_dir": "/srv/files",
    "second_factor_for": "admin legal",
    "oidc_issuer": "https://id.acme.example/realms/acme",
    "oidc_client_id": "trusthub",
    "oidc_roles_claim": "groups",
    "local_sign_in": "false",
}
"""A value for each variable that takes more than any text; the rest are secrets."""


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TRUSTHUB_")]:
        monkeypatch.delenv(name)


def error() -> str:
    with pytest.raises(PlaybookError) as raised:
        settings.load()
    return str(raised.value)


def plain(value: object) -> str:
    """Return a setting as the environment would spell it."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("field", Settings.model_fields)
def test_a_variable_is_read(monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    value = GOOD.get(field, "hunter2")
    monkeypatch.setenv(f"TRUSTHUB_{field.upper()}", value)
    assert plain(getattr(settings.load(), field)) == value


@pytest.mark.parametrize("field", Settings.model_fields)
@pytest.mark.parametrize("end", ["", "\n", "\r\n"], ids=["bare", "unix", "windows"])
def test_a_variable_is_read_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, field: str, end: str) -> None:
    value = GOOD.get(field, "hunter2")
    (tmp_path / "value").write_bytes(f"{value}{end}".encode())
    monkeypatch.setenv(f"TRUSTHUB_{field.upper()}_FILE", str(tmp_path / "value"))
    assert plain(getattr(settings.load(), field)) == value


@pytest.mark.parametrize("field", Settings.model_fields)
@pytest.mark.parametrize("suffix", ["", "_FILE"])
def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch, field: str, suffix: str) -> None:
    monkeypatch.setenv(f"TRUSTHUB_{field.upper()}{suffix}", "")
    assert settings.load() == Settings()


def test_the_defaults_need_nothing() -> None:
    made = settings.load()
    assert made.sqlite_file == Path("var/trusthub.db")
    assert made.playbooks == Path("playbooks")
    assert made.templates_dir == packaged("templates")
    assert not any(plain(value) for value in made.__dict__.values() if isinstance(value, SecretStr))


def test_playbooks_lie_beside_the_site_unless_they_are_elsewhere() -> None:
    assert Settings(site=Path("/etc/site.yaml")).playbooks == Path("/etc")
    assert Settings(site=Path("/etc/site.yaml"), playbooks_dir=Path("/srv")).playbooks == Path("/srv")


# ------------------------------------------------------------------------------------------------ files


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty. Write the value of TRUSTHUB_SECRET_KEY into it, and nothing else."),
        (b" \n\n", "is empty. Write the value of TRUSTHUB_SECRET_KEY into it, and nothing else."),
        (b"a\nb\n", "has several lines. Write the value of TRUSTHUB_SECRET_KEY into it, and nothing else."),
        (b"caf\xe9\n", "is not UTF-8. Write the value into it as text."),
    ],
)
def test_a_file_that_holds_no_value(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes, reason: str
) -> None:
    (tmp_path / "key").write_bytes(content)
    monkeypatch.setenv("TRUSTHUB_SECRET_KEY_FILE", str(tmp_path / "key"))
    assert error() == f"The environment is not right:\n  TRUSTHUB_SECRET_KEY_FILE: {tmp_path}/key {reason}"


READ = "Correct the path, or let the hub read the file."


def test_a_file_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for path, reason in [(tmp_path / "none", "No such file or directory"), (tmp_path, "Is a directory")]:
        monkeypatch.setenv("TRUSTHUB_SITE_FILE", str(path))
        problem = f"TRUSTHUB_SITE_FILE: {path} cannot be read: {reason}. {READ}"
        assert error() == f"The environment is not right:\n  {problem}"


def test_a_file_that_may_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTHUB_SECRET_KEY_FILE", "/run/secrets/key")
    monkeypatch.setattr(Path, "read_text", Mock(side_effect=PermissionError(EACCES, "Permission denied")))
    assert "TRUSTHUB_SECRET_KEY_FILE: /run/secrets/key cannot be read: Permission denied." in error()


def test_a_variable_is_set_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hunter2", encoding="utf-8")
    monkeypatch.setenv("TRUSTHUB_HOOK_TOKEN", "hunter3")
    monkeypatch.setenv("TRUSTHUB_HOOK_TOKEN_FILE", str(tmp_path / "key"))
    both = "TRUSTHUB_HOOK_TOKEN and TRUSTHUB_HOOK_TOKEN_FILE are both set. Keep one of them."
    assert error() == f"The environment is not right:\n  {both}"


# ------------------------------------------------------------------------------------------------ wrong values

DATABASE = "Write sqlite:///<path of a file> or postgresql://<user>:<password>@<host>/<database>."
ADDRESS = "Write an address such as https://hub.example.com."


@pytest.mark.parametrize(
    "url", ["sqlite:///var/hub.db", "sqlite:////srv/hub.db", "postgres://db/hub", "postgresql+psycopg://hub:pw@db/hub"]
)
def test_a_database_is_sqlite_or_postgresql(url: str) -> None:
    made = Settings(database_url=url)
    assert (made.sqlite_file is None) == url.startswith("postgres")


@pytest.mark.parametrize(
    "url", ["hub.db", "sqlite://", "sqlite:///", "sqlite:///:memory:", "mysql://hub:hunter2@db/hub", "postgresql:db"]
)
def test_another_database_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("TRUSTHUB_DATABASE_URL", url)
    assert error() == f"The environment is not right:\n  TRUSTHUB_DATABASE_URL: {DATABASE}"


@pytest.mark.parametrize(
    "url",
    [
        *("hub.acme.example", "//hub", "ftp://hub", "https://", "https:///x", "https://hub/?a=b", "https://hub/#a"),
        *("https://mira:hunter2@hub", "https://hub acme", "javascript:alert(1)"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("TRUSTHUB_BASE_URL", url)
    assert error() == f"The environment is not right:\n  TRUSTHUB_BASE_URL: {ADDRESS}"


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "https://hub.acme.example/", "http://[::1]:8000/status"])
def test_an_address_is_http(url: str) -> None:
    assert Settings(base_url=url).base_url == url


def test_everything_that_is_wrong_is_named_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {
        "DATABASE_URL": "mysql://hub:hunter2@db/hub",
        "BASE_URL": "hub.acme.example",
        "TRUSTED_PROXIES": "-1",
        "EMBEDDED_WORKER": "hunter2",
        "SECRET_KEY_FILE": str(tmp_path / "none"),
        "UNKNOWN": "is not ours",
    }.items():
        monkeypatch.setenv(f"TRUSTHUB_{name}", value)
    assert error().splitlines() == [
        "The environment is not right:",
        f"  TRUSTHUB_SECRET_KEY_FILE: {tmp_path}/none cannot be read: No such file or directory. {READ}",
        f"  TRUSTHUB_DATABASE_URL: {DATABASE}",
        f"  TRUSTHUB_BASE_URL: {ADDRESS}",
        "  TRUSTHUB_TRUSTED_PROXIES: Input should be greater than or equal to 0.",
        "  TRUSTHUB_EMBEDDED_WORKER: Input should be a valid boolean, unable to interpret input.",
    ]


# ------------------------------------------------------------------------------------------------ secrets


@pytest.mark.parametrize("field", Settings.model_fields)
def test_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, field: str) -> None:
    monkeypatch.setenv(f"TRUSTHUB_{field.upper()}", GOOD.get(field, "hunter2"))
    made = settings.load()
    assert "hunter2" not in f"{made!r} {made}"
    monkeypatch.setenv(f"TRUSTHUB_{field.upper()}_FILE", str(tmp_path))
    monkeypatch.setenv("TRUSTHUB_TRUSTED_PROXIES", "hunter2")
    with pytest.raises(PlaybookError) as raised:
        settings.load()
    assert "hunter2" not in f"{raised.value!r} {raised.getrepr(style='value')}"


def test_every_variable_is_explained() -> None:
    assert all(field.description for field in Settings.model_fields.values())
