"""Recipients: at most 20, whom rules and people send pictures, clips and messages."""

from __future__ import annotations

import re
from enum import Enum
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr, model_validator

from device.accounts.role import Role
from device.settings.hosts import HostName, PortOrZero
from device.settings.section import N_, Field, Interrupts, Keep, Required, Section

MOST = 20
_ADDRESS = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")
_MD5 = re.compile(r"[0-9a-f]{32}")
_SHA256 = re.compile(r"[0-9A-Za-z+/]{43}")


class Kind(Enum):
    """How something is sent."""

    FTP = "ftp"
    SFTP = "sftp"
    HTTP = "http"
    HTTPS = "https"
    EMAIL = "email"
    TCP = "tcp"
    STORAGE = "storage"  #: a share (SMB)

    @property
    def port(self) -> int:
        """Unless another is set; 0: the URL says."""
        return _PORTS.get(self, 0)


_PORTS = {Kind.FTP: 21, Kind.SFTP: 22, Kind.EMAIL: 587, Kind.STORAGE: 445}


class MailEncryption(Enum):
    """How mail is protected on its way to the server."""

    SSL = "ssl"  #: from the first octet on
    TLS = "tls"  #: after STARTTLS (RFC 3207)
    NONE = "none"


def _url(text: str) -> str:
    if not text:
        return text
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"is not a URL: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ValueError("must be a URL such as http://host/cgi-bin/notify.cgi")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must be without user and password: they have settings of their own")
    return text


def _fingerprint(text: str) -> str:
    """As OpenSSH prints it or without its adornments; MD5 in lower case without colons."""
    plain = text.strip()
    bare = plain.removeprefix("MD5:").replace(":", "").lower()
    if _MD5.fullmatch(bare):
        return bare
    digest = plain.removeprefix("SHA256:").rstrip("=")
    if text and not _SHA256.fullmatch(digest):
        raise ValueError("must be 32 hexadecimal figures (MD5) or 43 characters of base64 (SHA-256)")
    return digest


def _addresses(text: str) -> str:
    for each in filter(None, (part.strip() for part in text.split(","))):
        if not _ADDRESS.fullmatch(each):
            raise ValueError(f"{each[:80]!r} is no mail address; several are separated by commas")
    return text


Url = Annotated[str, AfterValidator(_url)]
Fingerprint = Annotated[str, AfterValidator(_fingerprint)]
Addresses = Annotated[str, AfterValidator(_addresses)]

_FILES = "kind in ('ftp', 'sftp', 'storage')"
_WEB = "kind in ('http', 'https')"
_MAIL = "kind == 'email'"


class Recipient(
    Section,
    section="recipients",
    heading=N_("Recipients"),
    key=r"[a-z0-9][a-z0-9-]{0,31}",
    most=MOST,
    restore=Keep.NO,
    role=Role.ADMINISTRATOR,
):
    """One recipient."""

    name: str = Required(title=N_("Name"), max_length=64, interrupts=Interrupts.NOTHING)
    kind: Kind = Field(Kind.FTP, title=N_("Type"))
    host: HostName = Field(
        "",
        title=N_("Host"),
        help=N_("Host name or IP address; of the mail server, where it is e-mail."),
        max_length=255,
        when="not kind in ('http', 'https')",
    )
    port: PortOrZero | None = Field(
        None,
        title=N_("Port"),
        help=N_("None: 21 for FTP, 22 for SFTP, 587 for e-mail, 445 for network storage."),
        when="not kind in ('http', 'https')",
    )
    share: str = Field("", title=N_("Share"), max_length=80, pattern=r"^[^\\/]*$", when="kind == 'storage'")
    folder: str = Field("", title=N_("Folder"), help=N_("It must be there."), max_length=1024, when=_FILES)
    user: str = Field("", title=N_("User"), max_length=255, when="kind != 'tcp'")
    password: SecretStr = Field(SecretStr(""), title=N_("Password"), max_length=255, when="kind != 'tcp'")
    temporary: bool = Field(
        True,
        title=N_("Use temporary file name"),
        help=N_("A file has its name only when it is whole."),
        when=_FILES,
    )
    passive: bool = Field(
        True,
        title=N_("Use passive FTP"),
        help=N_("The recorder opens both connections."),
        when="kind == 'ftp'",
    )
    fingerprint: Fingerprint = Field(
        "",
        title=N_("Host key fingerprint"),
        help=N_("Of the server's key: SHA-256 in base64, or MD5 in hexadecimal. SHA-256 is the safer one."),
        max_length=64,
        when="kind == 'sftp'",
    )
    url: Url = Field("", title=N_("URL"), max_length=2048, when=_WEB)
    proxy: Url = Field("", title=N_("Proxy"), help=N_("Its URL. Empty: none."), max_length=2048, when=_WEB)
    proxy_user: str = Field("", title=N_("Proxy user"), max_length=255, when=f"{_WEB} and proxy != ''")
    proxy_password: SecretStr = Field(
        SecretStr(""), title=N_("Proxy password"), max_length=255, when=f"{_WEB} and proxy != ''"
    )
    verify: bool = Field(
        True,
        title=N_("Check the server's certificate"),
        when="kind == 'https' or (kind == 'email' and encryption != 'none')",
    )
    to: Addresses = Field(
        "",
        title=N_("To"),
        help=N_("Several addresses with commas between them."),
        max_length=2048,
        when=_MAIL,
    )
    sender: Addresses = Field("", title=N_("From"), max_length=255, when=_MAIL)
    encryption: MailEncryption = Field(MailEncryption.TLS, title=N_("Encryption"), when=_MAIL)
    attachment_mb: int = Field(
        10,
        title=N_("Largest attachment"),
        help=N_("A file that is larger is named in the mail, and not sent."),
        unit="MB",
        ge=1,
        le=50,
        when=_MAIL,
    )
    pop: bool = Field(
        False,
        title=N_("POP authentication"),
        help=N_("Log in to the POP server first: some mail servers know nothing else."),
        when=_MAIL,
    )
    pop_host: HostName = Field("", title=N_("POP server"), max_length=255, when=f"{_MAIL} and pop")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for name in _NEEDED[self.kind]:
            if not getattr(self, name):
                raise ValueError(f"{name} is needed for {self.kind.value}")
        if self.kind is Kind.TCP and not self.port:
            raise ValueError("port is needed for tcp")
        if self.kind in (Kind.HTTP, Kind.HTTPS) and urlsplit(self.url).scheme != self.kind.value:
            raise ValueError(f"url must begin with {self.kind.value}://")
        if self.pop and not self.pop_host:
            raise ValueError("pop_host is needed for POP authentication")
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self.host, self.kind.port if self.port is None else self.port


_NEEDED: dict[Kind, tuple[str, ...]] = {
    Kind.FTP: ("host",),
    Kind.SFTP: ("host", "fingerprint"),
    Kind.HTTP: ("url",),
    Kind.HTTPS: ("url",),
    Kind.EMAIL: ("host", "to", "sender"),
    Kind.TCP: ("host",),
    Kind.STORAGE: ("host", "share"),
}
