"""Which certificate each service shows, whom it trusts, and how strict it is."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from pydantic import StringConstraints

from device.accounts.role import Role
from device.certificates.purpose import Purpose
from device.settings.section import N_, Field, Interrupts, Keep, Section

CERTIFICATE = r"^(own|crt-[0-9a-f]{10})$"  #: the id of one in `device.certificates.store`
MOST_AUTHORITIES = 20

Identity = Annotated[str, StringConstraints(pattern=r"^(|own|crt-[0-9a-f]{10})$")]  #: such an id; empty: none
Authorities = tuple[Annotated[str, StringConstraints(pattern=r"^crt-[0-9a-f]{10}$")], ...]  #: such ids


def identity(when: str) -> Identity:
    """The setting of a client: what it shows to a server that asks who comes."""
    return Field(
        "",
        title=N_("Client certificate"),
        help=N_("For servers that ask who comes."),
        when=when,
        certificate=Purpose.IDENTITY,
    )


def authorities(when: str) -> Authorities:
    """The setting of a client: whom it believes about a server."""
    return Field(
        (),
        title=N_("Certificate authorities"),
        help=N_(
            "Those that may have signed the server's certificate. None: those that came with the system."
        ),
        max_length=MOST_AUTHORITIES,
        when=when,
        certificate=Purpose.AUTHORITY,
    )


class Policy(Enum):
    """Which algorithms a service offers (the manual's cryptographic policy)."""

    DEFAULT = "default"  #: OpenSSL's own choice, from TLS 1.2 on
    FIPS = "fips"  #: what FIPS 140-2 approves of: TLS 1.2, ECDHE, AES-GCM


class Tls(Section, section="tls", heading=N_("Certificates"), restore=Keep.NO, role=Role.ADMINISTRATOR):
    """TLS of the recorder's own services. Their oldest version is 1.2, always."""

    https: str = Field(
        "own",
        title=N_("Certificate of HTTPS"),
        help=N_("Taken at once: connections that are open go on with the old one."),
        pattern=CERTIFICATE,
        certificate=Purpose.IDENTITY,
    )
    rtsps: str = Field(
        "own",
        title=N_("Certificate of RTSPS"),
        pattern=CERTIFICATE,
        certificate=Purpose.IDENTITY,
        interrupts=Interrupts.SESSIONS,
    )
    policy: Policy = Field(
        Policy.DEFAULT,
        title=N_("Cryptographic policy"),
        help=N_("FIPS: only algorithms that FIPS 140-2 approves of. The library itself is not validated."),
        interrupts=Interrupts.SESSIONS,
    )
