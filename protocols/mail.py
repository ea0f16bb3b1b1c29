"""E-mail, outwards: submission (RFC 6409), STARTTLS (RFC 3207) or TLS from the start (RFC 8314), POP before SMTP."""

from __future__ import annotations

import asyncio
import poplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

import aiosmtplib

from device.recipients.errors import NotTheRecipient, RecipientRefuses, RecipientUnreachable
from device.recipients.parcel import Parcel
from device.settings.recipients import MailEncryption, Recipient

SECONDS = 30.0
_FIRST_FINAL = 500  #: of the reply codes (RFC 5321 s4.2.1): below it, trying again helps


async def send(recipient: Recipient, parcel: Parcel) -> str:
    """Hand a mail to its server; what that said. Raises RecipientUnreachable, RecipientRefuses, NotTheRecipient."""
    host, port = recipient.address
    where = f"{host}, port {port}"
    tls = _tls(recipient.verify)
    try:
        if recipient.pop:
            await asyncio.to_thread(_pop, recipient, tls)
        mail = await asyncio.to_thread(letter, recipient, parcel)
        return await _submit(recipient, mail, tls, parcel.within(SECONDS))
    except aiosmtplib.SMTPResponseException as error:
        kind = RecipientRefuses if error.code >= _FIRST_FINAL else RecipientUnreachable
        raise kind(f"{where}: {error.code} {error.message}") from error
    except aiosmtplib.SMTPRecipientsRefused as error:
        said = "; ".join(f"{each.recipient}: {each.code} {each.message}" for each in error.recipients)
        raise RecipientRefuses(f"{where}: {said}") from error
    except poplib.error_proto as error:
        raise RecipientRefuses(f"{recipient.pop_host}: {error}") from error
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        if _untrusted(error):
            raise NotTheRecipient(f"{where}: its certificate is not trusted: {error}") from error
        raise RecipientUnreachable(f"{where}: {str(error) or 'no answer'}") from error


async def _submit(recipient: Recipient, mail: EmailMessage, tls: ssl.SSLContext, seconds: float) -> str:
    host, port = recipient.address
    refused, said = await aiosmtplib.send(
        mail,
        hostname=host,
        port=port,
        username=recipient.user or None,
        password=recipient.password.get_secret_value() or None if recipient.user else None,
        use_tls=recipient.encryption is MailEncryption.SSL,
        start_tls=recipient.encryption is MailEncryption.TLS,
        tls_context=tls,
        timeout=seconds,
    )
    if refused:
        words = "; ".join(f"{address}: {answer.code} {answer.message}" for address, answer in refused.items())
        return f"{host} took it ({said}), but not for all: {words}"
    return f"{host} took it: {said}"


def letter(recipient: Recipient, parcel: Parcel) -> EmailMessage:
    """The mail. A file that is larger than the recipient's limit is named in it, and stays here. Raises OSError."""
    mail = EmailMessage()
    mail["From"] = recipient.sender
    mail["To"] = ", ".join(part.strip() for part in recipient.to.split(",") if part.strip())
    mail["Subject"] = " ".join(parcel.subject.split())
    mail["Date"] = formatdate(usegmt=True)
    mail["Message-ID"] = make_msgid(domain=recipient.sender.rpartition("@")[2])
    size, limit = parcel.size, recipient.attachment_mb
    if size > limit * 1_000_000:
        left = f"{parcel.name} has {size / 1e6:.1f} MB; a mail to this recipient carries {limit} MB at most."
        mail.set_content(f"{parcel.text}\n\n{left}\n")
        return mail
    mail.set_content(parcel.text)
    if parcel.media:
        kind, _, subtype = parcel.media.partition("/")
        with parcel.open() as data:
            mail.add_attachment(data.read(), maintype=kind, subtype=subtype, filename=parcel.name)
    return mail


def _pop(recipient: Recipient, tls: ssl.SSLContext) -> None:
    """Log in and out: the mail server takes mail from whoever did so a moment ago."""
    host, colon, port = recipient.pop_host.partition(":")
    client = poplib.POP3(host, int(port) if colon else poplib.POP3_PORT, timeout=SECONDS)
    try:
        if "STLS" in client.capa():
            client.stls(tls)
        client.user(recipient.user)
        client.pass_(recipient.password.get_secret_value())
    finally:
        client.close()


def _tls(verify: bool) -> ssl.SSLContext:
    made = ssl.create_default_context()
    if not verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    return made


def _untrusted(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
