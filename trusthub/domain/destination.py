"""Where messages go: one place, and what may be shown of it."""

import base64
import hashlib
import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from trusthub.domain.written import Strict


def _address(email: str) -> str:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        raise ValueError(f"{email!r} is not an email address. Write name@example.com")
    return email


def _destination_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._ -]*", name):
        raise ValueError("is what people see in place of the address. Write letters, digits, spaces, dots, - and _")
    return name


def _webhook_url(url: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@\\]+([/?][^\s#]*)?", url):
        raise ValueError("is not the address of a webhook. Write https:// and a host, without a user or a password")
    return url


def _apprise_url(url: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+://\S+", url):
        raise ValueError("is not an address of apprise, such as discord://... Put it into a variable: ${NAME}")
    return url


def _webhook_secret(secret: str) -> None:
    """Accept a secret of Standard Webhooks. Its text is never repeated."""
    text = secret.removeprefix("whsec_").rstrip("=")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        key = b""
    if not (secret.startswith("whsec_") and _SHORTEST <= len(key) <= _LONGEST):
        raise ValueError(
            "is no secret for webhooks: whsec_ and 24 to 64 random bytes in Base64. "
            "Make one: echo whsec_$(openssl rand -base64 32)"
        )


_SECRETS = 2
_SHORTEST, _LONGEST = 24, 64
"""Bytes of a webhook's secret: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""
Address = Annotated[str, AfterValidator(_address)]
DestinationName = Annotated[str, AfterValidator(_destination_name)]
WebhookUrl = Annotated[str, AfterValidator(_webhook_url)]
AppriseUrl = Annotated[str, AfterValidator(_apprise_url)]


class Guarded(Strict):
    """What only who knows a secret may use."""

    secret: tuple[str, ...] = Field(default=(), repr=False)
    """Two while it is being changed: the new one and the old one. Each is enough."""

    @field_validator("secret", mode="before")
    @classmethod
    def _one_or_two(cls, said: object) -> object:
        found = [said] if isinstance(said, str) else said if isinstance(said, list) else []
        if said is not None and not (isinstance(said, str | list) and len(found) <= _SECRETS):
            raise ValueError(
                "is one secret, or a list of two while it is being changed. Write ${NAME} or [${NEW}, ${OLD}]"
            )
        return tuple(filter(None, found))


class Destination(Guarded):
    """One place a message goes to: exactly one of the channels."""

    slack: str | None = Field(default=None, min_length=1)
    email: Address | None = None
    page: Literal[True] | None = None
    webhook: WebhookUrl | None = Field(default=None, repr=False)
    apprise: AppriseUrl | None = Field(default=None, repr=False)
    sandbox: str | None = Field(default=None, min_length=1)
    name: DestinationName | None = None
    """What a webhook's or apprise's address is called wherever people look: the address itself may hold a secret."""

    @field_validator("secret")
    @classmethod
    def _signs(cls, secret: tuple[str, ...]) -> tuple[str, ...]:
        for each in secret:
            _webhook_secret(each)
        return secret

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(found := self._channels) != 1:
            raise ValueError(f"A destination is one place. Name exactly one of {', '.join(_CHANNELS)}")
        ((channel, _),) = found.items()
        for key in sorted((self.model_fields_set & {"name", "secret"}) - _BESIDE.get(channel, set())):
            raise ValueError(f"{key} means nothing beside {channel}. Take it out")
        return self

    @property
    def lane(self) -> str:
        """The lane that keeps deliveries to this place in order. It is shown, so no secret is in it."""
        ((channel, where),) = self._channels.items()
        if channel == "page":
            where = "main"
        elif channel in _BESIDE:
            where = self.name or f"{_shown(channel, where)}-{hashlib.sha256(where.encode()).hexdigest()[:12]}"
        return f"{channel}:{where}"

    @property
    def _channels(self) -> dict[str, str]:
        return self.model_dump(exclude_none=True, include=set(_CHANNELS))


_CHANNELS = ("slack", "email", "page", "webhook", "apprise", "sandbox")
_BESIDE = {"webhook": {"name", "secret"}, "apprise": {"name"}}
"""Channels whose address stays hidden, and the keys that may stand beside it."""


def _shown(channel: str, url: str) -> str:
    """Return what of an address may be shown: a webhook's host, the kind of service for apprise."""
    scheme, _, rest = url.partition("://")
    return re.split(r"[/?:]", rest)[0] if channel == "webhook" else scheme
