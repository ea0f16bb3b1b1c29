"""A drive that fails when it is told to: a file system on it meets the errors as it would a dying disk's.

The kernel sees a loop device on a file; the file is ours, by FUSE, and we answer each read, write and flush (the
protocol of `/dev/fuse`, linux/fuse.h, version 7.31), from an image, or with EIO. It runs as a process of its own,
`python -m tests.crash.drive IMAGE FOLDER`, and is told over its standard input which of the three fail.
"""

from __future__ import annotations

import ctypes
import errno
import os
import selectors
import signal
import stat
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from bench.blocks import attach
from bench.programs import run as do

Fault = Literal["read", "write", "flush"]
NAME = "drive"  #: of the only file
_LARGEST = 1 << 17  #: bytes of one write
_HEAD = struct.Struct("<IIQQIIIHH")  # fuse_in_header: length, opcode, unique, node ...
_ANSWER = struct.Struct("<IiQ")
_ATTRIBUTES = struct.Struct("<6Q10I")
_SPAN = struct.Struct("<QQI")  # the beginning of fuse_read_in and fuse_write_in: handle, offset, size
_BEFORE_DATA = 40  # bytes of fuse_write_in
_LOOKUP, _FORGET, _GETATTR, _SETATTR, _OPEN, _READ, _WRITE, _STATFS = 1, 2, 3, 4, 14, 15, 16, 17
_RELEASE, _FSYNC, _FLUSH, _INIT, _OPENDIR, _RELEASEDIR, _INTERRUPT, _FORGETS = 18, 20, 25, 26, 27, 29, 36, 42
_DIRECT = 1  # FOPEN_DIRECT_IO: every read and write comes to us
_BIG_WRITES, _MAX_PAGES = 1 << 5, 1 << 22
_ROOT, _FILE = 1, 2


class Drive:
    """The drive, seen from outside. `with Drive(image, folder) as drive: ... drive.device ...`; needs root."""

    def __init__(self, image: Path, folder: Path) -> None:
        """`folder`: an empty one, where the file is mounted."""
        self._image, self._folder = image, folder
        self.device = ""  #: /dev/loopN

    def __enter__(self) -> Self:
        self._folder.mkdir(exist_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.drive", self._image, self._folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        self._hear()
        self.device = attach(self._folder / NAME)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.fail()
        do("losetup", "-d", self.device)
        do("umount", "--lazy", self._folder)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def fail(self, *faults: Fault) -> None:
        """From now on these fail, and no others."""
        self._process.send_signal(signal.SIGCONT)
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(faults) + "\n")
        self._process.stdin.flush()
        self._hear()

    def hang(self) -> None:
        """It answers nothing any more, until it is told what to fail."""
        self._process.send_signal(signal.SIGSTOP)

    def _hear(self) -> None:
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "ok\n":
            raise OSError("the drive does not start")


class _Server:
    """Answers the kernel."""

    def __init__(self, image: int, fuse: int) -> None:
        self._image, self._fuse = image, fuse
        self.faults: frozenset[str] = frozenset()

    def serve(self) -> bool:
        """Take and answer one request; False where the file system was unmounted."""
        try:
            request = os.read(self._fuse, _LARGEST + 4096)
        except OSError as error:
            if error.errno == errno.ENODEV:
                return False
            if error.errno in (errno.ENOENT, errno.EINTR):  # it was withdrawn
                return True
            raise
        _, code, unique, node, *_ = _HEAD.unpack_from(request)
        if code in (_FORGET, _FORGETS, _INTERRUPT):
            return True
        number, answer = 0, b""
        try:
            answer = self._answer(code, node, request[_HEAD.size :])
        except OSError as error:
            number = error.errno or errno.EIO
        with suppress(FileNotFoundError):  # who asked has gone
            os.write(self._fuse, _ANSWER.pack(_ANSWER.size + len(answer), -number, unique) + answer)
        return True

    def _answer(self, code: int, node: int, body: bytes) -> bytes:
        match code:
            case _ if code == _INIT:
                _, _, ahead, flags = struct.unpack_from("<IIII", body)
                flags &= _BIG_WRITES | _MAX_PAGES
                more = (7, 31, ahead, flags, 16, 12, _LARGEST, 1, _LARGEST // 4096, 0, 0)
                return struct.pack("<IIIIHHIIHHI", *more) + bytes(28)
            case _ if code == _LOOKUP:
                if body.rstrip(b"\0").decode() != NAME:
                    raise FileNotFoundError(errno.ENOENT, "no such file")
                return struct.pack("<QQQQII", _FILE, 0, 3600, 3600, 0, 0) + self._attributes(_FILE)
            case _ if code in (_GETATTR, _SETATTR):
                return struct.pack("<QII", 3600, 0, 0) + self._attributes(node)
            case _ if code in (_OPEN, _OPENDIR):
                return struct.pack("<QIi", 0, _DIRECT if code == _OPEN else 0, 0)
            case _ if code == _READ:
                self._perhaps("read")
                _, offset, size = _SPAN.unpack_from(body)
                return os.pread(self._image, size, offset)
            case _ if code == _WRITE:
                self._perhaps("write")
                _, offset, size = _SPAN.unpack_from(body)
                return struct.pack("<II", os.pwrite(self._image, body[_BEFORE_DATA:][:size], offset), 0)
            case _ if code == _FSYNC:
                self._perhaps("flush")
                return b""
            case _ if code == _STATFS:
                return struct.pack("<5Q4I", 1 << 20, 0, 0, 2, 0, 4096, 255, 4096, 0) + bytes(24)
            case _ if code in (_FLUSH, _RELEASE, _RELEASEDIR):
                return b""
        raise OSError(errno.ENOSYS, "not needed")

    def _perhaps(self, fault: Fault) -> None:
        if fault in self.faults:
            raise OSError(errno.EIO, "told to fail")

    def _attributes(self, node: int) -> bytes:
        size = os.fstat(self._image).st_size if node == _FILE else 0
        mode = stat.S_IFREG | 0o600 if node == _FILE else stat.S_IFDIR | 0o700
        return _ATTRIBUTES.pack(node, size, size // 512, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def main(image: Path, folder: Path) -> None:
    """Serve until standard input ends."""
    fuse = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0".encode()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"holdfast-drive", os.fsencode(folder), b"fuse", 0, options):
        raise OSError(ctypes.get_errno(), f"mount: {os.strerror(ctypes.get_errno())}")
    server = _Server(os.open(image, os.O_RDWR | os.O_CLOEXEC), fuse)
    print("ok", flush=True)
    with selectors.DefaultSelector() as selector:
        selector.register(fuse, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj == fuse:
                    if not server.serve():
                        return
                elif not (line := sys.stdin.readline()):
                    return
                else:
                    server.faults = frozenset(line.split())
                    print("ok", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
