"""Files in a ZIP that a password closes: AES-256 (WinZip AE-2), which 7-Zip and others open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from device.errors import Refused

ZIP = ".zip"
CHUNK = 1 << 20


class SealStopped(Refused):
    """Nobody wants it any more."""


def seal(files: Sequence[Path], target: Path, password: str, step: Callable[[int], bool]) -> None:
    """Write `target`. `step`: told how many octets are done; False stops, and nothing is left.

    Raises SealStopped, OSError.
    """
    import pyzipper  # only where somebody wants it: it brings a cipher library of its own

    done = 0
    try:
        with pyzipper.AESZipFile(
            target, "w", compression=pyzipper.ZIP_STORED, encryption=pyzipper.WZ_AES
        ) as made:
            made.setpassword(password.encode())
            for path in files:
                with path.open("rb") as source, made.open(path.name, "w", force_zip64=True) as sink:
                    while chunk := source.read(CHUNK):
                        sink.write(chunk)
                        done += len(chunk)
                        if not step(done):
                            raise SealStopped("The export was stopped.")
    except BaseException:
        target.unlink(missing_ok=True)
        raise
