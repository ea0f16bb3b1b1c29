"""One share, seen through one account. Blocking, and for one thread at a time.

What is asked is repeated once on a new connection where the server let the session expire, which smbprotocol does not
do by itself: every operation here names its offset, so that doing it twice is doing it once.
"""

from __future__ import annotations

import contextlib
import hashlib
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from struct import Struct
from types import TracebackType
from typing import Any, Self, TypeVar

from smbprotocol import Dialects
from smbprotocol.connection import Request
from smbprotocol.exceptions import SMBConnectionClosed, SMBException, SMBResponseException
from smbprotocol.file_info import (
    FileAttributes,
    FileDispositionInformation,
    FileInformationClass,
    FileRenameInformation,
    FileSystemInformationClass,
    InfoType,
)
from smbprotocol.open import (
    CreateDisposition,
    CreateOptions,
    DirectoryAccessMask,
    FilePipePrinterAccessMask,
    ImpersonationLevel,
    Open,
    ShareAccess,
    SMB2QueryInfoRequest,
    SMB2QueryInfoResponse,
    SMB2SetInfoRequest,
)
from smbprotocol.session import Session
from smbprotocol.tree import TreeConnect

from device.errors import HoldfastError
from protocols.smb.bulk import Bulk
from protocols.smb.errors import (
    NoShare,
    NotThere,
    SessionExpired,
    ShareFault,
    ShareFull,
    ShareRefused,
    ShareUnreachable,
)

T = TypeVar("T")

CONNECT_SECONDS = 10
ANSWER_SECONDS = 30  #: a server that says nothing for so long is gone
CHUNK = 1 << 20  #: octets of one read or write, where the server takes as many
IN_FLIGHT = 4  #: requests that wait for their answers at once
CREDITS = 256  #: that are asked for (MS-SMB2 s3.2.4.1.2): one for each 64 KiB under way
OLDEST = Dialects.SMB_2_1_0

#: NTSTATUS (MS-ERREF s2.3.1) -> what it means for us.
_STATUS: dict[int, type[HoldfastError]] = {
    0xC000035C: SessionExpired,  # STATUS_NETWORK_SESSION_EXPIRED
    0xC0000203: SessionExpired,  # STATUS_USER_SESSION_DELETED
    0xC00000C9: ShareUnreachable,  # STATUS_NETWORK_NAME_DELETED
    0xC000020C: ShareUnreachable,  # STATUS_CONNECTION_DISCONNECTED
    0xC0000128: ShareUnreachable,  # STATUS_FILE_CLOSED
    0xC000006D: ShareRefused,  # STATUS_LOGON_FAILURE
    0xC000006E: ShareRefused,  # STATUS_ACCOUNT_RESTRICTION
    0xC0000071: ShareRefused,  # STATUS_PASSWORD_EXPIRED
    0xC0000072: ShareRefused,  # STATUS_ACCOUNT_DISABLED
    0xC0000234: ShareRefused,  # STATUS_ACCOUNT_LOCKED_OUT
    0xC0000022: ShareRefused,  # STATUS_ACCESS_DENIED
    0xC00000A2: ShareRefused,  # STATUS_MEDIA_WRITE_PROTECTED
    0xC00000CC: NoShare,  # STATUS_BAD_NETWORK_NAME
    0xC0000034: NotThere,  # STATUS_OBJECT_NAME_NOT_FOUND
    0xC000003A: NoShare,  # STATUS_OBJECT_PATH_NOT_FOUND
    0xC000007F: ShareFull,  # STATUS_DISK_FULL
    0xC0000044: ShareFull,  # STATUS_QUOTA_EXCEEDED
}


#: FileFsFullSizeInformation (MS-FSCC s2.5.4): units in all, free for this user, free; sectors a unit, octets a sector.
_FULL_SIZE = Struct("<QQQII")


@dataclass(frozen=True, slots=True)
class Room:
    """Octets of a share."""

    size: int
    free: int  #: for this user


@dataclass(frozen=True, slots=True)
class Place:
    """Where, as whom, and how."""

    host: str
    port: int
    share: str
    user: str
    password: str = field(repr=False)
    encrypt: bool  #: refuse a server that cannot (SMB 3)

    @property
    def unc(self) -> str:
        """`\\\\host\\share`."""
        return rf"\\{self.host}\{self.share}"


class Opened:
    """A file of a share that is open for reading. Raises what `Share` raises, once it leaves the `with`."""

    def __init__(self, file: Open) -> None:
        self._file = file

    @property
    def size(self) -> int:
        """Octets."""
        return int(self._file.end_of_file)

    def read(self, offset: int, length: int) -> bytes:
        """These octets, fewer where it ends before."""
        length = min(length, self.size - offset)
        return bytes(self._file.read(offset, length)) if length > 0 else b""


class _Patient(Bulk):
    """A connection whose server has a limit of time for each answer; without, a dead server holds us for ever."""

    def receive(
        self, request: Request, wait: bool = True, timeout: int | None = None, resolve_symlinks: bool = True
    ) -> Any:
        return super().receive(request, wait, timeout or ANSWER_SECONDS, resolve_symlinks)


class Share:
    """Files on a share. Paths have backslashes and begin at the share's root.

    Every method raises ShareUnreachable, ShareRefused, NoShare, ShareFull, NotThere, ShareFault."""

    def __init__(self, place: Place, *, sign: bool = True) -> None:
        """`sign`: ask for signatures where nothing is encrypted. Without, a server that wants none sends none."""
        self.place = place
        self._sign = sign
        self._connection: _Patient | None = None
        self._tree: TreeConnect | None = None

    def __enter__(self) -> Self:
        self._connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        connection, self._connection, self._tree = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(Exception):  # it may be broken in any way: there is nothing left to lose
                connection.disconnect(close=False)

    def _connect(self) -> TreeConnect:
        if self._tree is not None and self._connection is not None and self._connection.transport.connected:
            return self._tree
        self.close()
        place = self.place
        with _told(place.unc):
            self._connection = connection = _Patient(
                uuid.uuid4(), place.host, place.port, require_signing=self._sign
            )
            connection.connect(timeout=CONNECT_SECONDS)
            if connection.dialect < OLDEST:
                raise ShareFault(f"{place.host} speaks nothing newer than SMB 2.0.")
            if place.encrypt and not connection.supports_encryption:
                raise ShareFault(f"{place.host} cannot encrypt.")
            session = Session(
                connection, place.user, place.password, require_encryption=place.encrypt, auth_protocol="ntlm"
            )
            session.connect()
            tree = TreeConnect(session, place.unc)
            tree.connect(require_secure_negotiate=connection.dialect < Dialects.SMB_3_1_1)
            if connection.supports_multi_credit:
                connection.echo(session.session_id, ANSWER_SECONDS, CREDITS)
        self._tree = tree
        return tree

    def _open_connection(self) -> _Patient:
        assert self._connection is not None
        return self._connection

    def _do(self, path: str, work: Callable[[TreeConnect], T]) -> T:
        """Once, and where the session expired meanwhile once more."""
        for last in (False, True):
            tree = self._connect()
            try:
                with _told(f"{self.place.unc}\\{path}"):
                    return work(tree)
            except SessionExpired:
                self.close()
                if last:
                    raise
            except ShareUnreachable:
                self.close()
                raise
        raise AssertionError("unreachable")

    # ------------------------------------------------------------------------------------------ files

    def size(self, path: str) -> int | None:
        """Octets of a file; None where it is not there."""

        def work(tree: TreeConnect) -> int:
            with _opened(tree, path, _LOOK, CreateDisposition.FILE_OPEN) as file:
                size: int = file.end_of_file
                return size

        try:
            return self._do(path, work)
        except (NotThere, NoShare):
            return None

    def chunk(self) -> int:
        """Octets of one read or write."""
        self._connect()
        assert self._connection is not None
        limit: int = min(self._connection.max_read_size, self._connection.max_write_size)
        return min(CHUNK if self._connection.supports_multi_credit else 1 << 16, limit)

    def room(self) -> Room:
        """How much there is on the share, and how much of it this user may still take."""

        def work(tree: TreeConnect) -> Room:
            with _folder(tree, "", CreateDisposition.FILE_OPEN) as root:
                request = SMB2QueryInfoRequest()
                request["info_type"] = InfoType.SMB2_0_INFO_FILESYSTEM
                request["file_info_class"] = FileSystemInformationClass.FILE_FS_FULL_SIZE_INFORMATION
                request["output_buffer_length"] = _FULL_SIZE.size
                request["file_id"] = root.file_id
                sent = root.connection.send(request, tree.session.session_id, tree.tree_connect_id)
                answer = SMB2QueryInfoResponse()
                answer.unpack(root.connection.receive(sent)["data"].get_value())
                total, ours, _, sectors, octets = _FULL_SIZE.unpack(answer["buffer"].get_value())
                return Room(total * sectors * octets, ours * sectors * octets)

        return self._do("", work)

    def write(
        self,
        path: str,
        offset: int,
        pieces: Iterator[bytes],
        *,
        on_written: Callable[[int], None],
        flush: bool = True,
    ) -> None:
        """Write from an offset on, several pieces at once, and have the server put all of it onto its disk, unless it
        need not `flush`. The file is made where it is not there. `on_written` is told how many octets of the file are
        with the server, in order; none of them before its piece was answered."""
        tree = self._connect()
        with (
            self._closing_what_breaks(),
            _told(f"{self.place.unc}\\{path}"),
            _opened(tree, path, _WRITE, CreateDisposition.FILE_OPEN_IF) as file,
        ):
            connection = self._open_connection()
            short = connection.takes(tree)
            waiting: deque[tuple[Request, int]] = deque()

            def settle() -> None:
                request, end = waiting.popleft()
                connection.receive(request)
                on_written(end)

            at = offset
            for piece in pieces:
                if short:
                    request = connection.send_write(tree, file, at, piece)
                else:
                    message, _ = file.write(piece, at, send=False)
                    request = connection.send(message, tree.session.session_id, tree.tree_connect_id)
                at += len(piece)
                waiting.append((request, at))
                if len(waiting) >= IN_FLIGHT:
                    settle()
            while waiting:
                settle()
            if flush:
                file.flush()

    def read(self, path: str, offset: int, end: int) -> Iterator[memoryview]:
        """The octets of a file from an offset to an end, past the server's cache where it lets us (SMB 3.0.2). Ends
        early where the file does."""
        tree = self._connect()
        connection = self._open_connection()
        unbuffered, short = connection.dialect >= Dialects.SMB_3_0_2, connection.takes(tree)
        step = self.chunk()
        with (
            self._closing_what_breaks(),
            _told(f"{self.place.unc}\\{path}"),
            _opened(tree, path, FilePipePrinterAccessMask.GENERIC_READ, CreateDisposition.FILE_OPEN) as file,
        ):
            end = min(end, file.end_of_file)
            waiting: deque[tuple[Request, Callable[[Request], memoryview | bytes]]] = deque()
            at = offset
            while at < end or waiting:
                while at < end and len(waiting) < IN_FLIGHT:
                    length = min(step, end - at)
                    if short:
                        request = connection.send_read(tree, file, at, length, unbuffered=unbuffered)
                        waiting.append((request, connection.read_answer))
                    else:
                        message, receive = file.read(at, length, unbuffered=unbuffered, send=False)
                        request = connection.send(message, tree.session.session_id, tree.tree_connect_id)
                        waiting.append((request, receive))
                    at += length
                request, take = waiting.popleft()
                yield memoryview(take(request))

    @contextlib.contextmanager
    def opened(self, path: str) -> Iterator[Opened]:
        """A file that is read here and there."""
        tree = self._connect()
        with (
            self._closing_what_breaks(),
            _told(f"{self.place.unc}\\{path}"),
            _opened(tree, path, FilePipePrinterAccessMask.GENERIC_READ, CreateDisposition.FILE_OPEN) as file,
        ):
            yield Opened(file)

    def sha256(self, path: str, end: int) -> str:
        """Of the first octets of a file, as the server gives them back. In hexadecimal."""
        digest = hashlib.sha256()
        at = 0
        while True:
            try:
                for piece in self.read(path, at, end):
                    digest.update(piece)
                    at += len(piece)
            except SessionExpired:
                continue  # on a new connection, from there on
            return digest.hexdigest()

    def get(self, path: str, most: int) -> bytes | None:
        """A small file whole; None where it is not there."""
        try:
            return self._do(path, lambda tree: _whole(tree, path, most))
        except (NotThere, NoShare):
            return None

    def put(self, path: str, data: bytes) -> None:
        """A small file, on the server's disk when it returns. Raises where there is one already."""

        def work(tree: TreeConnect) -> None:
            with _opened(tree, path, _WRITE, CreateDisposition.FILE_CREATE) as file:
                file.write(data, 0)
                file.flush()

        self._do(path, work)

    def rename(self, path: str, to: str) -> None:
        """In one step; what was called so before is gone."""

        def work(tree: TreeConnect) -> None:
            access = FilePipePrinterAccessMask.DELETE | FilePipePrinterAccessMask.FILE_READ_ATTRIBUTES
            with _opened(tree, path, access, CreateDisposition.FILE_OPEN) as file:
                about = FileRenameInformation()
                about["replace_if_exists"] = True
                about["file_name"] = to
                _set(tree, file, about)

        self._do(path, work)

    def remove(self, path: str) -> None:
        """A file; no error where it is not there."""

        def work(tree: TreeConnect) -> None:
            with _opened(tree, path, FilePipePrinterAccessMask.DELETE, CreateDisposition.FILE_OPEN) as file:
                about = FileDispositionInformation()
                about["delete_pending"] = True
                _set(tree, file, about)

        with contextlib.suppress(NotThere, NoShare):
            self._do(path, work)

    def make_folders(self, path: str) -> None:
        """A folder and those above it, where they are not there. An empty path is the share's root."""
        parts = path.split("\\") if path else []
        for count in range(1, len(parts) + 1):
            folder = "\\".join(parts[:count])

            def work(tree: TreeConnect, folder: str = folder) -> None:
                with _folder(tree, folder, CreateDisposition.FILE_OPEN_IF):
                    pass

            self._do(folder, work)

    def names(self, path: str) -> list[str]:
        """What is in a folder, sorted. Raises NoShare where there is no such folder."""

        def work(tree: TreeConnect) -> list[str]:
            with _folder(tree, path, CreateDisposition.FILE_OPEN) as folder:
                found = []
                with contextlib.suppress(_NoMore):
                    while True:
                        with _until_no_more():
                            rows = folder.query_directory("*", FileInformationClass.FILE_NAMES_INFORMATION)
                        found += [row["file_name"].get_value().decode("utf-16-le") for row in rows]
                return sorted(name for name in found if name not in (".", ".."))

        try:
            return self._do(path, work)
        except NotThere:
            raise NoShare(f"{self.place.unc}\\{path}: {NoShare.__doc__}") from None

    @contextlib.contextmanager
    def _closing_what_breaks(self) -> Iterator[None]:
        try:
            yield
        except (SessionExpired, ShareUnreachable):
            self.close()
            raise


_SHARED = ShareAccess.FILE_SHARE_READ | ShareAccess.FILE_SHARE_WRITE | ShareAccess.FILE_SHARE_DELETE
_LOOK = FilePipePrinterAccessMask.FILE_READ_ATTRIBUTES
_WRITE = FilePipePrinterAccessMask.GENERIC_WRITE | FilePipePrinterAccessMask.FILE_READ_ATTRIBUTES


class _NoMore(Exception):
    """A folder was read to its end."""


@contextlib.contextmanager
def _until_no_more() -> Iterator[None]:
    try:
        yield
    except SMBResponseException as error:
        if error.status in (0x80000006, 0xC000000F):  # STATUS_NO_MORE_FILES, STATUS_NO_SUCH_FILE
            raise _NoMore from None
        raise


@contextlib.contextmanager
def _opened(tree: TreeConnect, path: str, access: int, disposition: int) -> Iterator[Open]:
    file = Open(tree, path)
    file.create(
        ImpersonationLevel.Impersonation,
        access,
        FileAttributes.FILE_ATTRIBUTE_NORMAL,
        _SHARED,  # a server that has not noticed the end of our last connection still has the file open
        disposition,
        CreateOptions.FILE_NON_DIRECTORY_FILE,
    )
    try:
        yield file
    finally:
        with contextlib.suppress(Exception):  # the error that led here is the one to tell
            file.close()


@contextlib.contextmanager
def _folder(tree: TreeConnect, path: str, disposition: int) -> Iterator[Open]:
    folder = Open(tree, path)
    folder.create(
        ImpersonationLevel.Impersonation,
        DirectoryAccessMask.FILE_LIST_DIRECTORY | DirectoryAccessMask.FILE_READ_ATTRIBUTES,
        FileAttributes.FILE_ATTRIBUTE_DIRECTORY,
        _SHARED,
        disposition,
        CreateOptions.FILE_DIRECTORY_FILE,
    )
    try:
        yield folder
    finally:
        with contextlib.suppress(Exception):  # as above
            folder.close()


def _whole(tree: TreeConnect, path: str, most: int) -> bytes:
    with _opened(tree, path, FilePipePrinterAccessMask.GENERIC_READ, CreateDisposition.FILE_OPEN) as file:
        if not file.end_of_file:
            return b""
        return bytes(file.read(0, min(most, file.end_of_file)))


def _set(tree: TreeConnect, file: Open, about: Any) -> None:
    request = SMB2SetInfoRequest()
    request["info_type"] = about.INFO_TYPE
    request["file_info_class"] = about.INFO_CLASS
    request["file_id"] = file.file_id
    request["buffer"] = about
    file.connection.receive(file.connection.send(request, tree.session.session_id, tree.tree_connect_id))


@contextlib.contextmanager
def _told(where: str) -> Iterator[None]:
    """The library's errors as ours. `where`: a UNC path, for the message."""
    try:
        yield
    except SMBResponseException as error:
        kind = _STATUS.get(error.status, ShareFault)
        words = (
            error.message.partition(": ")[0]
            if kind is ShareFault
            else (kind.__doc__ or "").partition("\n")[0]
        )
        raise kind(f"{where}: {words}") from error
    except (SMBConnectionClosed, SMBException, ValueError, OSError, EOFError) as error:
        raise ShareUnreachable(f"{where}: {error}") from error
