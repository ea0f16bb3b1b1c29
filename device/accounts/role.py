"""What a person may do (the manual's three roles)."""

from __future__ import annotations

from enum import Enum


class Role(Enum):
    """The right of an account, and the right that something asks for."""

    ADMINISTRATOR = "administrator"  #: everything, accounts included
    OPERATOR = "operator"  #: everything but the system's settings
    VIEWER = "viewer"  #: watches, and exports recordings

    def may(self, asked: Role) -> bool:
        """Whether this role has all that `asked` has."""
        order = (Role.VIEWER, Role.OPERATOR, Role.ADMINISTRATOR)
        return order.index(self) >= order.index(asked)
