"""What was sent and received in a case, in a form that a person can read and send to a vendor."""

from __future__ import annotations

from dataclasses import dataclass, field

LINES_LIMIT = 400  #: of one case; more is counted, not kept
LINE_LIMIT = 300  #: characters


@dataclass(slots=True)
class Transcript:
    """The exchange of one case. Runs of lines that differ in nothing but their number are folded."""

    _lines: list[str] = field(default_factory=list)
    _dropped: int = 0
    _run: tuple[str, int, int] = ("", 0, 0)  #: what repeats, how often, and its octets together

    def note(self, text: str) -> None:
        """What happened besides sending and receiving."""
        self._add(f"# {text}")

    def sent(self, where: str, data: bytes) -> None:
        """Octets that went out at `where`, which names one of several connections."""
        self._text(f"{where}>", data)

    def received(self, where: str, data: bytes) -> None:
        """Octets that came in."""
        self._text(f"{where}<", data)

    def packet(self, what: str, octets: int) -> None:
        """A packet of media, of which only the number is told."""
        run, count, size = self._run
        if run != what:
            self._fold()
            count, size = 0, 0
        self._run = (what, count + 1, size + octets)

    def lines(self) -> tuple[str, ...]:
        """All of it."""
        self._fold()
        dropped = (f"# and {self._dropped} more lines",) if self._dropped else ()
        return (*self._lines, *dropped)

    def _text(self, mark: str, data: bytes) -> None:
        for line in data.rstrip(b"\r\n").split(b"\n"):
            readable = line.rstrip(b"\r").decode("utf-8", "backslashreplace")
            shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in readable)
            self._add(f"{mark} {shown}")
        self._add(mark)

    def _add(self, line: str) -> None:
        self._fold()
        if len(self._lines) >= LINES_LIMIT:
            self._dropped += 1
        elif len(line) > LINE_LIMIT:
            self._lines.append(f"{line[:LINE_LIMIT]} ... ({len(line)} characters)")
        else:
            self._lines.append(line)

    def _fold(self) -> None:
        what, count, octets = self._run
        if count:
            self._run = ("", 0, 0)
            self._add(f"# {count} x {what}, {octets} octets")
