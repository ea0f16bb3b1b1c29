"""Which certificate each service shows, and how strict it is."""

from __future__ import annotations

from enum import Enum

from device.accounts.role import Role
from device.settings.section import N_, Field, Interrupts, Keep, Section

CERTIFICATE = r"^(own|crt-[0-9a-f]{10})$"  #: the id of one in `device.certificates.store`


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
    )
    rtsps: str = Field(
        "own",
        title=N_("Certificate of RTSPS"),
        pattern=CERTIFICATE,
        interrupts=Interrupts.SESSIONS,
    )
    policy: Policy = Field(
        Policy.DEFAULT,
        title=N_("Cryptographic policy"),
        help=N_("FIPS: only algorithms that FIPS 140-2 approves of. The library itself is not validated."),
        interrupts=Interrupts.SESSIONS,
    )
