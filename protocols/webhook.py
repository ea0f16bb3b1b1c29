"""HTTP and HTTPS, outwards: a POST with the data, or with the text where there is no data."""

from __future__ import annotations

import ssl

import aiohttp
from pydantic import SecretStr

from device.recipients.errors import NotTheRecipient, RecipientRefuses, RecipientUnreachable
from device.recipients.parcel import Parcel
from device.settings.recipients import Kind, Recipient

SECONDS = 30.0
_OURS = range(400, 500)  #: the request's fault (RFC 9110 s15.5)
_AGAIN = (408, 425, 429)  #: and yet it may be repeated


async def send(recipient: Recipient, parcel: Parcel) -> str:
    """Send it; what the server said. Raises RecipientUnreachable, RecipientRefuses, NotTheRecipient."""
    tls = ssl.create_default_context()
    if not recipient.verify:
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    headers = _login("Authorization", recipient.user, recipient.password) | {
        "Content-Type": parcel.media or "text/plain; charset=utf-8",
        "User-Agent": "Holdfast",
    }
    through = _login("Proxy-Authorization", recipient.proxy_user, recipient.proxy_password)
    if recipient.kind is Kind.HTTP:  # the proxy reads the request itself (RFC 9110 s7.3.2); else only CONNECT
        headers |= through if recipient.proxy else {}
    if parcel.media:
        headers["Content-Disposition"] = f'attachment; filename="{parcel.name}"'
    try:
        async with (
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=parcel.within(SECONDS)), trust_env=False
            ) as session,
            session.post(
                recipient.url,
                data=parcel.open() if parcel.media else parcel.text.encode(),
                headers=headers,
                proxy=recipient.proxy or None,
                proxy_headers=through,
                ssl=tls,
                allow_redirects=False,  # another host would get the password
            ) as answer,
        ):
            status, reason = answer.status, answer.reason or ""
    except aiohttp.ClientConnectorCertificateError as error:
        raise NotTheRecipient(f"{recipient.url}: its certificate is not trusted: {error}") from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise RecipientUnreachable(f"{recipient.url}: {str(error) or 'no answer'}") from error
    said = f"{recipient.url} answered {status} {reason}".rstrip()
    if status in _OURS and status not in _AGAIN:
        raise RecipientRefuses(f"{said}.")
    if not 200 <= status < 300:
        raise RecipientUnreachable(f"{said}.")
    return said


def _login(header: str, user: str, password: SecretStr) -> dict[str, str]:
    """RFC 7617, in UTF-8."""
    return {header: aiohttp.encode_basic_auth(user, password.get_secret_value(), "utf-8")} if user else {}
