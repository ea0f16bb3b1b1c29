"""Which of a camera's streams are recorded, and which is looked at. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from device.cameras.control import Profile


def choose(
    profiles: Sequence[Profile], main: str = "", sub: str = ""
) -> tuple[Profile | None, Profile | None]:
    """The profiles for the main and for the sub stream. `main`, `sub`: tokens that a person chose; empty: choose.

    The main one is the largest picture of the first source that has one; the sub one is the smallest of the same
    source, by preference in H.264, which every browser plays. Where sizes are not told, the camera's order decides.
    """
    usable = [each for each in profiles if each.url]
    first = _named(usable, main) or _largest(usable)
    if first is None:
        return None, None
    others = [each for each in usable if each.source == first.source and each.url != first.url]
    return first, _named(usable, sub) or _smallest(others, first)


def moved(profiles: Sequence[Profile], main: Profile | None) -> Profile | None:
    """The profile by which the picture of the main stream is moved: itself, or else one of the same source."""
    if main is None:
        return None
    others = [each for each in profiles if each.source == main.source]
    return next((each for each in (main, *others) if each.node), None)


def _named(profiles: Sequence[Profile], token: str) -> Profile | None:
    return next((each for each in profiles if token and each.token == token), None)


def _largest(profiles: Sequence[Profile]) -> Profile | None:
    source = profiles[0].source if profiles else ""
    of_it = [each for each in profiles if each.source == source]
    if not all(
        map(_pixels, of_it)
    ):  # H.265 has no words in Media 1: the one that tells no size may be the largest
        return next(iter(of_it), None)
    return max(of_it, key=_pixels, default=None)  # of equal ones the first


def _smallest(profiles: Sequence[Profile], main: Profile) -> Profile | None:
    fit = [each for each in profiles if not _pixels(main) or _pixels(each) < _pixels(main)]
    return min(fit, key=lambda each: (each.encoding not in ("", "H264"), _pixels(each)), default=None)


def _pixels(profile: Profile) -> int:
    return profile.width * profile.height
