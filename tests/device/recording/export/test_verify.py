"""`verify` tells every kind of change, and by which key an export was signed; others can check it without us."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from device.errors import BadValue
from device.recording.export import manifest as said
from device.recording.export.manifest import File, Manifest, NoManifest, Recorder, RecordingSaid
from device.recording.export.verify import Finding, Verdict, fingerprint, manifests, verify
from device.signature import Signer
from device.vault import SealBroken, Vault

SIGNER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(32)))
FILES = {"CAM1.mp4": b"one" * 1000, "CAM2.mp4": b"two" * 999}


def file(name: str, data: bytes) -> File:
    return File(
        name=name,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        recording="CAM1",
        begin="2026-01-01T00:00:00.000000Z",
        end="2026-01-01T00:00:01.000000Z",
        frames=30,
        lead_in_us=0,
        damaged=False,
        unsound=(),
        tracks=(),
        stretches=(),
    )


def manifest(*, whole_folder: bool) -> Manifest:
    return Manifest(
        recorder=Recorder(id="id-1", serial="HF1"),
        software="Holdfast 9",
        exported="2026-01-01T00:00:02.000000Z",
        by="anna",
        zone="Europe/Malmö",
        begin="2026-01-01T00:00:00.000000Z",
        end="2026-01-01T00:00:01.000000Z",
        form="mp4",
        whole_folder=whole_folder,
        recordings=(RecordingSaid(recording="CAM1", camera="c", stream="main", gaps=()),),
        files=tuple(file(name, data) for name, data in FILES.items()),
    )


def laid(folder: Path, *, whole_folder: bool = True, signer: Signer = SIGNER) -> Path:
    """An export, without a recorder."""
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    path = folder / ("manifest.json" if whole_folder else "x.mp4.json")
    path.write_bytes(said.write(manifest(whole_folder=whole_folder), signer))
    return path


def judged(path: Path, *trusted: str) -> Verdict:
    return verify(path, frozenset(trusted), lambda _done, _total: None)


def findings(path: Path, *trusted: str) -> list[tuple[Finding, str]]:
    return [(each.finding, each.name) for each in judged(path, *trusted).problems]


def test_what_was_signed_is_intact(tmp_path: Path) -> None:
    verdict = judged(laid(tmp_path))
    assert (verdict.intact, verdict.trusted, verdict.fingerprint) == (
        True,
        None,
        SIGNER.public.fingerprint,
    )


def _flip(folder: Path) -> None:
    data = bytearray((folder / "CAM1.mp4").read_bytes())
    data[1234] ^= 1
    (folder / "CAM1.mp4").write_bytes(data)


def _link(folder: Path) -> None:
    (folder / "CAM1.mp4").rename(folder.parent / "elsewhere")
    (folder / "CAM1.mp4").symlink_to(folder.parent / "elsewhere")


def _pipe(folder: Path) -> None:
    (folder / "CAM1.mp4").unlink()
    os.mkfifo(folder / "CAM1.mp4")


@pytest.mark.parametrize(
    ("harm", "finding", "name"),
    [
        (_flip, Finding.CHANGED, "CAM1.mp4"),
        (lambda folder: os.truncate(folder / "CAM2.mp4", 7), Finding.CHANGED, "CAM2.mp4"),
        (lambda folder: (folder / "CAM2.mp4").unlink(), Finding.MISSING, "CAM2.mp4"),
        (lambda folder: (folder / "CAM3.mp4").touch(), Finding.ADDED, "CAM3.mp4"),
        (_link, Finding.CHANGED, "CAM1.mp4"),
        (_pipe, Finding.CHANGED, "CAM1.mp4"),
    ],
)
def test_each_harm_is_found_and_named(
    harm: Callable[[Path], None], finding: Finding, name: str, tmp_path: Path
) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    path = laid(folder)
    harm(folder)
    assert findings(path) == [(finding, name)]


def test_files_beside_an_export_that_has_no_folder_of_its_own_are_not_added(tmp_path: Path) -> None:
    path = laid(tmp_path, whole_folder=False)
    (tmp_path / "diary.txt").touch()
    assert judged(path).intact


def _altered(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    text = json.loads(path.read_text())
    change(text)
    path.write_text(json.dumps(text))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text["export"].update(end="2026-01-01T00:00:03.000000Z"),
        lambda text: text["export"]["recordings"][0].update(camera="d"),
        lambda text: text["export"].update(more="a field of nobody"),
        lambda text: text["signature"].update(value=base64.b64encode(bytes(64)).decode()),
        lambda text: text["signature"].update(public_key=OTHER.public.pem),
    ],
)
def test_a_manifest_that_was_changed_has_a_bad_signature(
    change: Callable[[dict[str, Any]], object], tmp_path: Path
) -> None:
    path = laid(tmp_path)
    _altered(path, change)
    assert findings(path) == [(Finding.SIGNATURE, "manifest.json")]


def test_spaces_and_order_of_the_json_do_not_matter(tmp_path: Path) -> None:
    path = laid(tmp_path)
    text = json.loads(path.read_text())
    path.write_text(json.dumps({"signature": text["signature"], "export": text["export"]}, indent=7))
    assert judged(path).intact


def test_only_keys_that_are_named_are_trusted(tmp_path: Path) -> None:
    path = laid(tmp_path, signer=OTHER)
    assert findings(path, SIGNER.public.fingerprint) == [(Finding.FOREIGN, "manifest.json")]
    assert judged(path, SIGNER.public.fingerprint, OTHER.public.fingerprint).trusted is True


def test_a_fingerprint_that_is_said_is_not_believed(tmp_path: Path) -> None:
    path = laid(tmp_path, signer=OTHER)
    _altered(path, lambda text: text["signature"].update(fingerprint=SIGNER.public.fingerprint))
    assert findings(path, SIGNER.public.fingerprint) == [(Finding.FOREIGN, "manifest.json")]


def test_fingerprints_are_read_as_people_write_them() -> None:
    plain = SIGNER.public.fingerprint
    spaced = ":".join(plain[at : at + 2] for at in range(0, 64, 2)).upper()
    assert fingerprint(f"SHA256:{spaced}") == plain
    for bad in ("", "12", plain[1:], plain + "0", "g" * 64):
        with pytest.raises(BadValue, match="--key"):
            fingerprint(bad)


def test_a_file_its_manifest_and_its_folder_lead_to_the_same(tmp_path: Path) -> None:
    path = laid(tmp_path, whole_folder=False)
    for way in (tmp_path, path, tmp_path / "CAM1.mp4", tmp_path / "CAM2.mp4"):
        assert manifests(way) == [path]
    (tmp_path / "other.mp4").touch()
    with pytest.raises(NoManifest, match="no manifest beside it"):
        manifests(tmp_path / "other.mp4")
    with pytest.raises(FileNotFoundError):
        manifests(tmp_path / "none.mp4")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoManifest, match="no manifest of an export in the folder"):
        manifests(tmp_path / "empty")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda text: text.pop("export"), "no manifest"),
        (lambda text: text["export"].update(format="holdfast-export-2"), "format"),
        (lambda text: text["export"]["files"][0].update(name="../secret"), "files.0.name"),
        (lambda text: text["export"]["files"][0].update(name="/etc/passwd"), "files.0.name"),
        (lambda text: text["export"]["files"][0].update(name=".."), "files.0.name"),
        (lambda text: text["export"]["files"][0].update(name="a\x1b[2Jb"), "files.0.name"),
        (lambda text: text["export"]["files"][0].update(size=-1), "files.0.size"),
        (lambda text: text["export"]["files"][0].update(size="1"), "files.0.size"),
        (lambda text: text["export"]["files"][0].update(sha256="no"), "files.0.sha256"),
        (lambda text: text["signature"].update(algorithm="none"), "unknown kind"),
        (lambda text: text["signature"].update(public_key="no"), "public key"),
        (lambda text: text["signature"].update(value="?"), "no manifest"),
    ],
)
def test_what_is_no_manifest_of_ours_is_refused_by_name(
    change: Callable[[dict[str, Any]], object], complaint: str, tmp_path: Path
) -> None:
    path = laid(tmp_path)
    _altered(path, change)
    with pytest.raises(NoManifest, match=complaint):
        judged(path)


@settings(max_examples=300)
@given(st.binary(max_size=400), st.integers(0, 4000), st.booleans())
def test_any_bytes_are_a_manifest_that_was_signed_or_are_refused(
    noise: bytes, at: int, inserted: bool
) -> None:
    whole = said.write(manifest(whole_folder=True), SIGNER)
    data = whole[:at] + noise + whole[at if inserted else at + len(noise) :]
    for each in (noise, data):
        try:
            found, _, signed = said.read(each)
        except NoManifest:
            continue
        assert not signed or found == manifest(whole_folder=True)


def test_deep_nesting_and_foreign_keys_are_refused() -> None:
    with pytest.raises(NoManifest):
        said.read(b"[" * 200_000)
    with pytest.raises(NoManifest):
        said.read(b'{"export": {}, "signature": 1' + b"0" * 100_000 + b"}")


def test_jq_and_openssl_verify_it_without_us(tmp_path: Path) -> None:
    path = laid(tmp_path)

    def shell(line: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, check=False)

    assert shell(f"jq -cjS .export {path.name} > said").returncode == 0
    shell(f"jq -r .signature.public_key {path.name} > key.pem")
    shell(f"jq -r .signature.value {path.name} | base64 -d > value")
    check = "openssl pkeyutl -verify -rawin -pubin -inkey key.pem -sigfile value -in said"
    assert shell(check).returncode == 0
    shell("printf x >> said")
    assert shell(check).returncode != 0
    printed = shell("openssl pkey -pubin -in key.pem -outform DER | sha256sum").stdout.split()[0]
    assert printed.decode() == SIGNER.public.fingerprint


def test_the_key_is_made_once_and_sealed(tmp_path: Path) -> None:
    vault = Vault(b"k" * 32)
    first = Signer.at(tmp_path / "signature.key", vault)
    assert Signer.at(tmp_path / "signature.key", vault).public == first.public
    assert (tmp_path / "signature.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(SealBroken):
        Signer.at(tmp_path / "signature.key", Vault(b"j" * 32))
