"""Users and what they may (ONVIF Core s5.9, s8.4)."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape

from conformance.case import expect, provided
from conformance.onvif import needs
from conformance.onvif.client import Login, envelope
from conformance.onvif.device import Device
from conformance.onvif.names import name
from conformance.onvif.suite import official
from conformance.onvif.values import text

_LEVELS = ("Administrator", "Operator", "User")


def _user(login: Login, level: str, *, password: bool = True) -> str:
    secret = f"<tt:Password>{escape(login.password)}</tt:Password>" if password else ""
    return (
        f"<tds:User><tt:Username>{escape(login.user)}</tt:Username>{secret}"
        f"<tt:UserLevel>{level}</tt:UserLevel></tds:User>"
    )


def _new() -> Login:
    """Somebody whom the device does not know yet."""
    return Login(f"conf{secrets.token_hex(4)}", f"Aa1-{secrets.token_hex(6)}")


def _gone(login: Login) -> str:
    return f"<tds:Username>{escape(login.user)}</tds:Username>"


async def _users(device: Device) -> dict[str, str]:
    """Names, and their levels."""
    told = await device.call("tds:GetUsers")
    found = {text(each, "tt:Username"): text(each, "tt:UserLevel") for each in told}
    expect(all(each.find(name("tt:Password")) is None for each in told), "GetUsers tells passwords")
    return found


async def _make(device: Device, *people: tuple[Login, str]) -> None:
    for login, _ in people:
        device.later("tds:DeleteUsers", _gone(login))
    await device.call("tds:CreateUsers", "".join(_user(login, level) for login, level in people))


@official("DEVICE-4-1-1", needs.users)
async def get_users(device: Device) -> str:
    found = await _users(device)
    expect("Administrator" in found.values(), "there is no administrator")
    return f"{len(found)} users"


@official("DEVICE-4-1-9", needs.users)
async def create_users(device: Device) -> str:
    people = [(_new(), level) for level in _LEVELS]
    await _make(device, *people)
    found = await _users(device)
    for login, level in people:
        expect(found.get(login.user) == level, f"a new {level} is told as {found.get(login.user)}")
        answer = await device.as_other(login, "tds:GetDeviceInformation")
        device.good("tds:GetDeviceInformation", answer)
    return "one of each level was made, and came in"


@official("DEVICE-4-1-3", needs.users)
async def create_users_refused(device: Device) -> str:
    known, new = _new(), _new()
    await _make(device, (known, "User"))
    device.later("tds:DeleteUsers", _gone(new))
    both = _user(new, "User") + _user(known, "User")
    fault = await device.refused("tds:CreateUsers", both, "UsernameClash")
    expect(new.user not in await _users(device), "the other user of the refused request was made")
    return fault.said


@official("DEVICE-4-1-4", needs.users)
async def delete_users(device: Device) -> str:
    first, second = _new(), _new()
    await _make(device, (first, "User"), (second, "Operator"))
    await device.call("tds:DeleteUsers", _gone(first) + _gone(second))
    left = await _users(device)
    expect(first.user not in left and second.user not in left, "deleted users are still told")
    answer = await device.as_other(first, "tds:GetDeviceInformation")
    expect(answer.status in (400, 401), f"a deleted user was answered HTTP {answer.status}")
    return "both are gone"


@official("DEVICE-4-1-5", needs.users)
async def delete_users_refused(device: Device) -> str:
    known = _new()
    await _make(device, (known, "User"))
    fault = await device.refused("tds:DeleteUsers", _gone(known) + _gone(_new()), "UsernameMissing")
    expect(known.user in await _users(device), "the known user of the refused request was deleted")
    return fault.said


@official("DEVICE-4-1-6", needs.users)
async def delete_all(device: Device) -> str:
    before = await _users(device)
    provided(
        list(before.values()).count("Administrator") == 1,
        "there are several administrators, and all of them would have to be deleted to see it",
    )
    alone = next(user for user, level in before.items() if level == "Administrator")
    fault = await device.refused("tds:DeleteUsers", _gone(Login(alone, "")), "FixedUser")
    expect(await _users(device) == before, "the users changed")
    return fault.said


@official("DEVICE-4-1-7", needs.users)
async def set_user(device: Device) -> str:
    login = _new()
    await _make(device, (login, "User"))
    changed = Login(login.user, f"Bb2-{secrets.token_hex(6)}")
    await device.call("tds:SetUser", _user(changed, "Operator"))
    expect((await _users(device)).get(login.user) == "Operator", "the level did not change")
    device.good("tds:GetDeviceInformation", await device.as_other(changed, "tds:GetDeviceInformation"))
    answer = await device.as_other(login, "tds:GetDeviceInformation")
    expect(answer.status in (400, 401), f"the old password was answered HTTP {answer.status}")
    return "level and password changed"


@official("DEVICE-4-1-8", needs.users)
async def set_user_refused(device: Device) -> str:
    known = _new()
    await _make(device, (known, "User"))
    both = _user(known, "Operator") + _user(_new(), "Operator")
    fault = await device.refused("tds:SetUser", both, "UsernameMissing")
    expect((await _users(device))[known.user] == "User", "the known user of the refused request was changed")
    return fault.said


@official("SECURITY-1-1-1", needs.users)
async def user_token(device: Device) -> str:
    url = device.address.url
    login = device.address.login
    body = "<tds:GetUsers/>"
    post = device.wire.post
    device.good("tds:GetUsers", await post(url, envelope(body, login.token())))
    wrong = {
        "a wrong password": Login(login.user, login.password + "x").token(),
        "a token without a nonce": login.token().replace("wsse:Nonce", "wsse:None"),
        "a token without a time": login.token().replace("wsu:Created", "wsu:Made"),
        "a token of an hour ago": login.token(created=datetime.now(UTC) - timedelta(hours=1)),
        "a password in the clear": login.token().replace("#PasswordDigest", "#PasswordText"),
    }
    for what, header in wrong.items():
        answer = await post(url, envelope(body, header))
        expect(answer.status in (400, 401), f"{what} was answered HTTP {answer.status}")
    again = login.token()
    device.good("tds:GetUsers", await post(url, envelope(body, again)))
    answer = await post(url, envelope(body, again))
    expect(answer.status in (400, 401), f"a token was taken twice (HTTP {answer.status})")
    return f"a good token is taken once; refused: {', '.join(wrong)}"


@official("SECURITY-1-1-2")
async def digest_authentication(device: Device) -> str:
    expect(device.offers("tds", "HttpDigest", "Security"), "Security@HttpDigest is not true")
    answer = await device.as_other(None, "tds:GetUsers")
    expect(answer.status == 401, f"without an account: HTTP {answer.status}, not 401")
    offered = [each for each in answer.challenges if each.scheme == "digest"]
    expect(bool(offered), "no challenge of the scheme Digest")
    device.good("tds:GetUsers", await device.as_other(device.address.login, "tds:GetUsers"))
    wrong = Login(device.address.login.user, device.address.login.password + "x")
    expect((await device.as_other(wrong, "tds:GetUsers")).status == 401, "a wrong password was let in")
    return f"offered: {', '.join(each.hash for each in offered)}"
