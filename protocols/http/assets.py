"""The files of the pages, in memory and compressed once.

static/index.html      the page, for every URL that is none of something else; `{{assets}}` in it becomes /a/BUILD
static/site/NAME       served as /NAME and asked for anew each time: a service worker, a web app manifest
static/PATH            served as /a/BUILD/PATH, for ever: another content is another BUILD
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from protocols.http.headers import content_security_policy

STATIC = Path(__file__).with_name("static")
INDEX = "index.html"
ROOT = "site/"
PLACE = b"{{assets}}"

UNSERVED = (".toml",)  #: records beside the files

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_INLINE = re.compile(rb"<script[^>]*>(.+?)</script>", re.DOTALL)
FOR_EVER = "public, max-age=31536000, immutable"
ANEW = "no-cache"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file. `body` is compressed where `packed`."""

    body: bytes
    packed: bool
    type: str
    tag: str  #: ETag, RFC 9110 s8.8.3
    cache: str  #: Cache-Control
    policy: str = ""  #: Content-Security-Policy, of a page

    def plain(self) -> bytes:
        """The content for one who takes no gzip."""
        return gzip.decompress(self.body) if self.packed else self.body


class Assets:
    """All files of a folder."""

    def __init__(self, folder: Path = STATIC) -> None:
        """Raises OSError; KeyError where a file's kind is not known: a mistake of whoever put it there."""
        files = {
            str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.name.startswith(".") and path.suffix not in UNSERVED
        }
        self.build = _digest(b"\0".join(name.encode() + b"\0" + data for name, data in files.items()))[:12]
        self.prefix = f"/a/{self.build}"
        self.index = _page(files.pop(INDEX).replace(PLACE, self.prefix.encode()))
        self._found: dict[str, Asset] = {}
        for name, data in files.items():
            in_root = name.startswith(ROOT)
            path = "/" + name.removeprefix(ROOT) if in_root else f"{self.prefix}/{name}"
            if in_root:
                data = data.replace(PLACE, self.prefix.encode())
            self._found[path] = _asset(data, TYPES[Path(name).suffix], ANEW if in_root else FOR_EVER, "")

    def get(self, path: str) -> Asset | None:
        """What is served under a path; None where it is no file."""
        return self._found.get(path)


def _page(data: bytes) -> Asset:
    inline = tuple(f"sha256-{_base64(script)}" for script in _INLINE.findall(data))
    return _asset(data, TYPES[".html"], ANEW, content_security_policy(inline))


def _asset(data: bytes, kind: str, cache: str, policy: str) -> Asset:
    packed = gzip.compress(data, 9, mtime=0)
    smaller = len(packed) < len(data)
    return Asset(packed if smaller else data, smaller, kind, f'"{_digest(data)[:16]}"', cache, policy)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _base64(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()
