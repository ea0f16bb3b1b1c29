"""A mail server for tests, run by Debian's Python with its aiosmtpd: `smtp_server.py FOLDER CERTIFICATE KEY USER
PASSWORD`. It prints its ports for STARTTLS and for TLS from the start, and writes each mail into a file."""

import asyncio
import json
import ssl
import sys
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

folder, certificate, key, user, password = sys.argv[1:]
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(certificate, key)

SECURE = "secure"  # how the server that has TLS from the start calls itself


class Keep:
    """Whatever comes is kept, but not for nobody@."""

    count = 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if address.startswith("nobody@"):
            return "550 there is nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - as above
        Keep.count += 1
        said = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": session.ssl is not None or server.hostname == SECURE,
            "mail": envelope.content.decode(),
        }
        whole = Path(folder) / f"{Keep.count}.part"
        whole.write_text(json.dumps(said))
        whole.rename(Path(folder) / f"{Keep.count}.json")
        return "250 kept"


def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
    """USER and PASSWORD, and nothing else."""
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (
        user.encode(),
        password.encode(),
    )
    return AuthResult(success=good, handled=False)


async def main() -> None:
    loop = asyncio.get_running_loop()
    handler = Keep()

    def plain() -> Any:
        return SMTP(
            handler, tls_context=tls, require_starttls=True, authenticator=authenticate, auth_required=True
        )

    def secure() -> Any:
        return SMTP(
            handler, authenticator=authenticate, auth_required=True, auth_require_tls=False, hostname=SECURE
        )

    first = await loop.create_server(plain, "127.0.0.1", 0)
    second = await loop.create_server(secure, "127.0.0.1", 0, ssl=tls)
    ports = [each.sockets[0].getsockname()[1] for each in (first, second)]
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


asyncio.run(main())
