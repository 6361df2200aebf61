"""Who pressed, typed or sent a form in Slack, and what they may do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trusthub.domain.role import Role
from trusthub.services import accounts
from trusthub.services.acts import Act, StaffError
from trusthub.services.hub import Hub


@dataclass(frozen=True, slots=True)
class Presser:
    """A member of Slack. Only the member id counts for a role: names and addresses can be changed in Slack."""

    member: str
    name: str
    email: str
    roles: frozenset[Role]

    def needs(self, role: Role) -> None:
        """Raise StaffError for who does not have a role."""
        if role in self.roles:
            return
        if not self.email:
            raise StaffError(
                f"We do not know who you are. An admin can say it: `trusthub user slack YOUR-ADDRESS {self.member}`."
            )
        raise StaffError(f"This needs the role {role}. An admin can give it with `trusthub user add --role {role}`.")

    def act(self, hub: Hub) -> Act:
        """Return what they do, now."""
        return Act(actor=f"{self.name} (Slack)", now=hub.clock(), email=self.email, where="Slack", member=self.member)


def presser(hub: Hub, user: Mapping[str, Any]) -> Presser:
    """Return who a payload's `user` is."""
    member = str(user.get("id") or "")
    with hub.database.reading() as session:
        known = accounts.of_member(session, hub, member)
    name = str((known and known.name) or user.get("name") or user.get("username") or member or "somebody")
    return Presser(member, name, known.email if known else "", known.roles if known else frozenset())
