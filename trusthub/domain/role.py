"""What somebody who works here may do. Pure."""

from collections.abc import Iterable
from enum import StrEnum


class Role(StrEnum):
    """A role is given to an account; an account may have several.

    They are no ladder: `legal` may stop retention and read evidence, and still not write to customers.
    """

    VIEWER = "viewer"
    SUPPORT = "support"
    PUBLISHER = "publisher"
    LEGAL = "legal"
    ADMIN = "admin"


_HAS = {
    Role.VIEWER: {Role.VIEWER},
    Role.SUPPORT: {Role.VIEWER, Role.SUPPORT},
    Role.PUBLISHER: {Role.VIEWER, Role.SUPPORT, Role.PUBLISHER},
    Role.LEGAL: {Role.VIEWER, Role.LEGAL},
    Role.ADMIN: set(Role),
}


def effective(roles: Iterable[str]) -> frozenset[Role]:
    """Return the roles that somebody has, with those that they contain. An unknown one gives nothing."""
    known = {role.value: role for role in Role}
    return frozenset(has for name in roles if name in known for has in _HAS[known[name]])
