"""Who may do what not everybody who works here may, as site.yaml names them."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, model_validator

from trusthub.domain.destination import Address
from trusthub.domain.written import Strict


def _slack_user(name: str) -> str:
    if not re.fullmatch(r"[UW][A-Z0-9]{2,}", name):
        raise ValueError(f"{name!r} is no member id of Slack. Copy it from the person's profile; it begins with U or W")
    return name


class Publisher(Strict):
    """Somebody who may decide what customers read. An address alone stands for one who has no Slack."""

    email: Address
    slack: Annotated[str, AfterValidator(_slack_user)] | None = None
    """Their member id. An address in a Slack profile proves nothing: many workspaces let members change it."""

    @model_validator(mode="before")
    @classmethod
    def _address_alone(cls, value: Any) -> Any:
        return {"email": value} if isinstance(value, str) else value


class Roles(Strict):
    """Who may do what not everybody who works here may."""

    legal: tuple[str, ...] = ()
    """Addresses of those who may say more than a holding message about an attack, or about data at risk."""

    publisher: tuple[Publisher, ...] = ()
    """Those who may approve what a playbook puts before people."""

    finance: tuple[str, ...] = ()
    """Addresses of those who may promise money, such as a refund."""

    press: tuple[str, ...] = ()
    """Addresses of those who answer journalists."""

    safety: tuple[str, ...] = ()
    """Addresses of those who answer where somebody may come to harm."""

    def holders(self, role: str) -> tuple[str, ...]:
        """Return the addresses of those who have a role; nobody has one that there is not."""
        publishers = tuple(each.email for each in self.publisher)
        named = {"legal": self.legal, "finance": self.finance, "press": self.press, "safety": self.safety}
        return {**named, "publisher": publishers}.get(role, ())

    def holds(self, role: str, email: str) -> bool:
        """Whether somebody has a role."""
        return email.lower() in {address.lower() for address in self.holders(role)}

    def publishes(self, email: str) -> bool:
        """Whether somebody has the role `publisher`."""
        return self.holds("publisher", email)

    def address_of(self, slack: str) -> str:
        """Return the address of a publisher by their member id in Slack; empty when it is nobody's."""
        return next((each.email for each in self.publisher if slack and each.slack == slack), "")
