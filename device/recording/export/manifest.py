"""What an export says of itself, signed: which recorder, which cameras and span, every file with its checksum, and
what is missing and why.

A manifest is one JSON object: `export` is what is said, `signature` is over the canonical form of that (RFC 8785:
no spaces, names in order, UTF-8; there are no fractions in it, so that its numbers have one form). `jq -cjS .export`
prints the same bytes, and `openssl pkeyutl -verify -rawin` checks them: docs/guide/export.md shows how.
"""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from device.errors import Refused
from device.media import MICROSECONDS, Utc
from device.recording.export.part import Facts, Written
from device.signature import ALGORITHM, BadKey, PublicKey, Signer

LARGEST = 64 << 20  #: bytes of a manifest
IN_FOLDER = "manifest.json"  #: its name in a folder that is all the export's


class NoManifest(Refused):
    """The text is no manifest of an export, or one of another version."""


def stamp(utc: Utc) -> str:
    """ISO 8601, UTC, microseconds."""
    at = datetime.fromtimestamp(utc / MICROSECONDS, UTC)
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _printable(text: str) -> str:
    """A manifest may come from anybody, and is shown on terminals."""
    if not text.isprintable():
        raise ValueError("must be printable")
    return text


def _plain(name: str) -> str:
    """A name of a file beside the manifest, and of nothing else."""
    if not name or name in (".", "..") or re.search(r"[/\\]", name):
        raise ValueError("must be the name of a file in the same folder")
    return name


class _Said(BaseModel):
    """A newer version may say more; what it says is under the signature, too."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


Text = Annotated[str, Field(max_length=1000), AfterValidator(_printable)]
Count = Annotated[int, Field(ge=0, le=2**62)]


class Recorder(_Said):
    """Who exported."""

    id: Text
    serial: Text


class Gap(_Said):
    """A span without video."""

    begin: Text
    end: Text
    #: as the ledger says (device.cameras.source.Cause), or *unreadable*: recorded, and then lost on the disk
    cause: Text
    due: bool  #: it should have been recorded
    lost_packets: Count = 0
    detail: Text = ""


class StretchSaid(_Said):
    """When the pictures of a span of a file were recorded."""

    at_us: Count  #: on the file's time line as it is shown
    begin: Text
    end: Text


class TrackSaid(_Said):
    """One track of a file."""

    kind: Text
    codec: Text


class File(_Said):
    """One file."""

    name: Annotated[Text, AfterValidator(_plain)]
    size: Count
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    recording: Text
    begin: Text  #: of the first picture shown
    end: Text
    frames: Count  #: shown
    lead_in_us: Count  #: what stands before the first picture shown, for the decoder
    damaged: bool  #: some pictures decode with errors, perhaps: packets were lost
    unsound: tuple[Text, ...]  #: when: the recorder's own checksum did not match what was on its disk
    tracks: tuple[TrackSaid, ...]
    stretches: tuple[StretchSaid, ...]


class RecordingSaid(_Said):
    """One recording."""

    recording: Text
    camera: Text
    stream: Text
    gaps: tuple[Gap, ...]


class Manifest(_Said):
    """What an export says of itself. Times are ISO 8601, UTC."""

    format: Literal["holdfast-export-1"] = "holdfast-export-1"
    recorder: Recorder
    software: Text
    exported: Text
    by: Text
    zone: Text  #: the recorder's, and how far it was from UTC at the time of the export
    begin: Text  #: of the span that was asked for
    end: Text
    form: Text  #: mp4, mkv, raw
    whole_folder: bool  #: all that is in the folder is the export's
    recordings: tuple[RecordingSaid, ...]
    files: tuple[File, ...]


def file_said(name: str, token: str, part: Facts, written: Written, sha256: str) -> File:
    """What the manifest says of a file that was written."""
    return File(
        name=name,
        size=written.done,
        sha256=sha256,
        recording=token,
        begin=stamp(part.utc),
        end=stamp(part.utc_end),
        frames=part.frames,
        lead_in_us=part.lead_in,
        damaged=part.damaged,
        unsound=tuple(stamp(utc) for utc in written.spoilt),
        tracks=tuple(TrackSaid(kind=track.kind.value, codec=track.codec.value) for track in part.tracks),
        stretches=tuple(
            StretchSaid(at_us=each.at, begin=stamp(each.utc), end=stamp(each.utc_end))
            for each in part.stretches
        ),
    )


def canonical(said: object) -> bytes:
    """The bytes that are signed."""
    return json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def write(manifest: Manifest, signer: Signer) -> bytes:
    """The file of a manifest."""
    said = manifest.model_dump(mode="json")
    signature = {
        "algorithm": ALGORITHM,
        "fingerprint": signer.public.fingerprint,
        "public_key": signer.public.pem,
        "value": base64.b64encode(signer.sign(canonical(said))).decode(),
    }
    text = json.dumps({"export": said, "signature": signature}, ensure_ascii=False, indent=1)
    return text.encode() + b"\n"


def read(data: bytes) -> tuple[Manifest, PublicKey, bool]:
    """What a file says, whose key is in it, and whether that key signed it. Raises NoManifest."""
    try:
        text = json.loads(data.decode())
        said, signature = text["export"], text["signature"]
        manifest = Manifest.model_validate_json(json.dumps(said))
        if signature["algorithm"] != ALGORITHM:
            raise NoManifest(f"The signature is of an unknown kind: {str(signature['algorithm'])[:40]!r}.")
        key = PublicKey.read(str(signature["public_key"])[:4096])
        value = base64.b64decode(str(signature["value"])[:4096], validate=True)
        return manifest, key, key.verifies(value, canonical(said))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise NoManifest(f"{where}: {first['msg']}") from error
    except BadKey as error:
        raise NoManifest(str(error)) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NoManifest("The file is no manifest of an export.") from error
