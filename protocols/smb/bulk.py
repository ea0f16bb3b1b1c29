"""Reads and writes of much data past smbprotocol's structures, which copy each octet some ten times.

What is sent is laid out once, encrypted or signed, and given to the socket; what comes is received into one piece of
memory and decrypted into another. All else, small answers and errors among it, stays the library's.
"""

from __future__ import annotations

import errno
import hashlib
import hmac
import os
import select
import time
from struct import Struct
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from smbprotocol import Dialects
from smbprotocol.connection import Ciphers, Commands, Connection, Request, SigningAlgorithms
from smbprotocol.exceptions import SMBConnectionClosed, SMBException
from smbprotocol.header import SMB2HeaderRequest, SMB2HeaderResponse
from smbprotocol.open import Open, SMB2ReadRequest, SMB2WriteRequest
from smbprotocol.transport import Tcp
from smbprotocol.tree import TreeConnect

#: SMB2 header (MS-SMB2 s2.2.1.2): id, 64, credit charge, status, command, granted, flags, next, message, process, tree,
#: session, signature.
_HEADER = Struct("<4sHHIHHIIQIIQ16s")
#: Transform header (s2.2.41): id, signature, nonce, size, reserved, flags (1: encrypted), session.
_TRANSFORM = Struct("<4s16s16sIHHQ")
#: WRITE request (s2.2.21): 49, offset of the data, length, offset, file, channel, remaining, channel info, flags.
_WRITE = Struct("<HHIQ16sIIHHI")
#: READ request (s2.2.19): 49, padding, flags, length, offset, file, least, channel, remaining, channel info; one octet.
_READ = Struct("<HBBIQ16sIIIHHB")
#: READ response (s2.2.20): 17, offset of the data, reserved, length.
_READ_ANSWER = Struct("<HBBI")
_LENGTH = Struct(">I")  #: before each message, on TCP

_PLAIN, _SEALED = b"\xfeSMB", b"\xfdSMB"
_SIGNED, _DFS = 0x0000_0008, 0x1000_0000  # flags of the header
_UNBUFFERED = 0x01
_NONCE = 12
_TAG = 16
_CREDIT = 1 << 16  #: octets
_BULK = 1 << 13  #: octets: smaller messages are the library's
_GCM = (Ciphers.AES_128_GCM, Ciphers.AES_256_GCM)


class Bulk(Connection):  # type: ignore[misc]  # the library has no types
    """A connection that knows the short way."""

    def __init__(self, *given: Any, **named: Any) -> None:
        self._lane: Lane | None = None
        self._answers: dict[int, memoryview] = {}  #: what was read, by message; a key alone: it is waited for
        self._laid = bytearray()  #: what is being sent: one thread sends
        self._sealed = bytearray()
        super().__init__(*given, **named)

    @property
    def transport(self) -> Any:  # as the library has it
        """The library's, which makes one as it connects; what is given is replaced by a lane."""
        return self._lane

    @transport.setter
    def transport(self, given: Tcp | None) -> None:
        self._lane = None if given is None else Lane(self, given)

    def takes(self, tree: TreeConnect) -> bool:
        """Whether there is a short way: of the ciphers, AES-GCM alone (SMB 3.1.1) is worth one."""
        return not _encrypts(tree) or (self.dialect >= Dialects.SMB_3_1_1 and self.cipher_id in _GCM)

    # --- what is sent ---

    def send_write(self, tree: TreeConnect, file: Open, offset: int, data: bytes) -> Request:
        """Write; `receive` says how that came out. Raises what the library raises."""
        body = _WRITE.pack(49, _HEADER.size + _WRITE.size, len(data), offset, file.file_id, 0, 0, 0, 0, 0)
        return self._send_bulk(tree, Commands.SMB2_WRITE, SMB2WriteRequest, body, data, len(data))

    def send_read(
        self, tree: TreeConnect, file: Open, offset: int, length: int, *, unbuffered: bool
    ) -> Request:
        """Read; `read_answer` gives it. Raises what the library raises."""
        flags = _UNBUFFERED if unbuffered else 0
        body = _READ.pack(49, 0x50, flags, length, offset, file.file_id, 0, 0, 0, 0, 0, 0)
        return self._send_bulk(tree, Commands.SMB2_READ, SMB2ReadRequest, body, b"", length)

    def read_answer(self, request: Request) -> memoryview:
        """What was read. Raises what `receive` raises."""
        number = request.message["message_id"].get_value()
        try:
            response = self.receive(request)
        finally:
            answer = self._answers.pop(number, None)
        if answer is not None and answer:
            return answer
        # A small one, which the library took. Its data begins behind the header.
        body = response["data"].get_value()
        _, start, _, length = _READ_ANSWER.unpack_from(body)
        start -= _HEADER.size
        return memoryview(body)[start : start + length]

    def _send_bulk(
        self, tree: TreeConnect, command: int, kind: type, body: bytes, data: bytes, payload: int
    ) -> Request:
        session = tree.session
        charge = (max(0, payload - 1) // _CREDIT + 1) if self.supports_multi_credit else 0
        with self.sequence_lock:
            window = self.sequence_window
            if charge > window["high"] - window["low"]:
                raise SMBException(f"The server granted too few credits for {payload} octets.")
            number = window["low"]
            window["low"] += max(1, charge)
        encrypts = _encrypts(tree)
        signs = not encrypts and session.signing_required and session.signing_key
        flags = (_SIGNED if signs else 0) | (_DFS if tree.is_dfs_share else 0)
        head = _HEADER.pack(
            *(_PLAIN, 64, charge, 0, command, max(1, charge), flags, 0),
            *(number, 0, tree.tree_connect_id, session.session_id, bytes(16)),
        )
        size = len(head) + len(body) + len(data)
        if len(self._laid) < size:
            self._laid = bytearray(size)
            self._sealed = bytearray(size + _TAG)
        laid = memoryview(self._laid)[:size]
        laid[: len(head)] = head
        laid[len(head) : len(head) + len(body)] = body
        laid[len(head) + len(body) :] = data
        told = SMB2HeaderRequest()
        told["message_id"], told["command"], told["tree_id"] = number, command, tree.tree_connect_id
        told["session_id"] = session.session_id
        request = Request(told, kind, self, session_id=session.session_id)
        if command == Commands.SMB2_READ:
            self._answers[number] = memoryview(b"")
        self.outstanding_requests[number] = request
        self._check_worker_running()
        lane = self._lane
        if lane is None:
            raise SMBConnectionClosed("The connection is closed.")
        if encrypts:
            nonce = os.urandom(_NONCE)
            about = _TRANSFORM.pack(_SEALED, bytes(16), nonce + bytes(4), size, 0, 1, session.session_id)
            sealed = memoryview(self._sealed)[: size + _TAG]
            AESGCM(session.encryption_key).encrypt_into(nonce, laid, about[20:], sealed)
            about = about[:4] + bytes(sealed[size:]) + about[20:]
            lane.send_pieces([_LENGTH.pack(len(about) + size) + about, sealed[:size]])
        else:
            if signs:
                laid[48:64] = self._signature(session.signing_key, number, laid, response=False)
            lane.send_pieces([_LENGTH.pack(size), laid])
        return request

    # --- what comes, in the thread of the library ---

    def take(self, message: memoryview, size: int) -> bool:
        """Whether a message is the answer to a read that is waited for: then it is kept. `message` has room for a tag
        behind `size`. Raises SMBException where it is not genuine."""
        sealed = bytes(message[:4]) == _SEALED
        if sealed:
            plain = self._unsealed(message, size)
        elif bytes(message[:4]) == _PLAIN:
            plain = message[:size]
        else:
            return False
        if plain is None:
            return False
        head = _HEADER.unpack_from(plain)
        _, _, _, status, command, granted, flags, following, number, *_ = head
        request = self.outstanding_requests.get(number)
        if (
            command != Commands.SMB2_READ
            or status
            or following
            or request is None
            or number not in self._answers
        ):
            return False
        session = self.session_table[request.session_id]
        if not sealed:
            self._verify(session, flags, number, plain)
            plain = memoryview(bytearray(plain))  # what it came in is used again
        _, start, _, length = _READ_ANSWER.unpack_from(plain, _HEADER.size)
        if start + length > len(plain):
            raise SMBException("The server's answer says that it is longer than it is.")
        with self.sequence_lock:
            self.sequence_window["high"] += granted
        answer = SMB2HeaderResponse()
        answer["message_id"], answer["command"] = number, command
        with request.response_event_lock:
            self._answers[number] = plain[start : start + length]
            request.response = answer
            request.response_event.set()
        return True

    def _unsealed(self, message: memoryview, size: int) -> memoryview | None:
        """Decrypted; None where the library has to do it."""
        if self.dialect < Dialects.SMB_3_1_1 or self.cipher_id not in _GCM:
            return None
        _, tag, nonce, _, _, flags, number = _TRANSFORM.unpack_from(message)
        session = self.session_table.get(number)
        if session is None or flags != 1:
            return None
        begin = _TRANSFORM.size
        plain = bytearray(size - begin)
        message[size : size + _TAG] = tag
        try:
            AESGCM(session.decryption_key).decrypt_into(
                nonce[:_NONCE], message[begin : size + _TAG], bytes(message[20:begin]), plain
            )
        except InvalidTag:
            raise SMBException("The server's answer is not what it encrypted.") from None
        return memoryview(plain)

    def _verify(self, session: Any, flags: int, number: int, plain: memoryview) -> None:
        """Raises SMBException where an answer that has to be signed is not, or by another."""
        if session.encrypt_data:
            raise SMBException("The server's answer is not encrypted.")
        if not (session.signing_required and session.signing_key):
            return
        said = bytes(plain[48:64])
        plain[48:64] = bytes(16)
        if not flags & _SIGNED or not hmac.compare_digest(
            said, self._signature(session.signing_key, number, plain, response=True)
        ):
            raise SMBException("The server's answer is not what it signed.")

    def _signature(self, key: bytes, number: int, message: memoryview, *, response: bool) -> bytes:
        """Of a message whose signature is zero (MS-SMB2 s3.1.4.1)."""
        if self.dialect >= Dialects.SMB_3_1_1 and self.signing_algorithm_id == SigningAlgorithms.AES_GMAC:
            nonce = number.to_bytes(8, "little") + int(response).to_bytes(4, "little")
            return AESGCM(key).encrypt(nonce, b"", message)
        if self.dialect >= Dialects.SMB_3_0_0 and (
            self.dialect < Dialects.SMB_3_1_1
            or self.signing_algorithm_id in (None, SigningAlgorithms.AES_CMAC)
        ):
            mac = CMAC(AES(key))
            mac.update(bytes(message))
            return mac.finalize()
        return hmac.new(key, message, hashlib.sha256).digest()[:16]


def _encrypts(tree: TreeConnect) -> bool:
    return bool(tree.session.encrypt_data or tree.encrypt_data)


class Lane(Tcp):  # type: ignore[misc]  # as above
    """Direct TCP (MS-SMB2 s2.1)."""

    def __init__(self, connection: Bulk, given: Tcp) -> None:
        super().__init__(given.server, given.port, given.timeout)
        self._connection = connection
        self._came = bytearray(1 << 16)

    def send_pieces(self, pieces: list[bytes | memoryview]) -> None:
        """All of them, in order. Raises OSError."""
        with self._sock_lock:
            while pieces:
                sent = self._sock.sendmsg(pieces)
                while pieces and sent >= len(pieces[0]):
                    sent -= len(pieces.pop(0))
                if pieces and sent:
                    pieces[0] = memoryview(pieces[0])[sent:]

    def recv(self, timeout: float) -> bytes:
        """The next message that is the library's; empty: the connection is closed. Raises TimeoutError."""
        while True:
            length = self._into(memoryview(self._came)[:4], timeout)
            if not length:
                return b""
            (size,) = _LENGTH.unpack_from(self._came)
            if len(self._came) < size + _TAG:
                self._came = bytearray(size + _TAG)
            message = memoryview(self._came)
            if not self._into(message[:size], timeout):
                return b""
            if size < _BULK or not self._connection.take(message, size):
                return bytes(message[:size])

    def _into(self, memory: memoryview, timeout: float) -> bool:
        """Fill it; False where the connection is closed. Raises TimeoutError."""
        until, at = time.monotonic() + max(timeout, 1), 0
        while at < len(memory):
            with (
                self._close_lock
            ):  # `close` waits for it, so that no descriptor is used that another has by then
                if not self.connected:
                    return False
                if not select.select([self._sock], [], [], max(0.0, until - time.monotonic()))[0]:
                    raise TimeoutError(f"nothing came for {timeout} s")
                try:
                    got = self._sock.recv_into(memory[at:])
                except OSError as error:
                    if error.errno not in (errno.ESHUTDOWN, errno.ECONNRESET, errno.ECONNABORTED):
                        raise
                    got = 0
            if not got:
                self.close()
                return False
            at += got
        return True
