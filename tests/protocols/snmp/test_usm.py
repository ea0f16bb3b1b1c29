"""Keys, digests and ciphers of USM, against the vectors of the standards."""

from __future__ import annotations

import pytest
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from device.errors import BadValue
from protocols.snmp.usm import (
    HASHES,
    KEY_OCTETS,
    Authentication,
    Privacy,
    Secret,
    User,
    localised,
    master_key,
    privacy_key,
)
from protocols.snmp.vacm import Level

ENGINE = bytes.fromhex("000000000000000000000002")


@pytest.mark.parametrize(
    ("protocol", "master", "local"),
    [
        (
            Authentication.MD5,  # RFC 3414 A.3.1
            "9faf3283884e92834ebc9847d8edd963",
            "526f5eed9fcce26f8964c2930787d82b",
        ),
        (
            Authentication.SHA,  # RFC 3414 A.3.2
            "9fb5cc0381497b3793528939ff788d5d79145211",
            "6695febc9288e36282235fc7151f128497b38f3f",
        ),
        (
            Authentication.SHA256,
            "ab51014d1e077f6017df2b12bee5f5aa72993177e9bb569c4dff5a4ca0b4afac",
            "8982e0e549e866db361a6b625d84cccc11162d453ee8ce3a6445c2d6776f0f8b",
        ),
    ],
)
def test_keys_are_those_of_the_standards(protocol: Authentication, master: str, local: str) -> None:
    made = master_key(protocol, b"maplesyrup")
    assert made.hex() == master
    assert localised(protocol, made, ENGINE).hex() == local


def test_a_key_that_is_too_short_is_lengthened_by_hashing_on() -> None:
    master = master_key(Authentication.MD5, b"maplesyrup")
    short = localised(Authentication.MD5, master, ENGINE)
    long = privacy_key(Authentication.MD5, master, ENGINE, 32)
    assert long == short + HASHES[Authentication.MD5].new(short).digest()


@pytest.mark.parametrize("password", ["", "1234567"])
def test_a_password_of_less_than_eight_octets_is_refused(password: str) -> None:
    with pytest.raises(BadValue, match="at least 8"):
        Secret.of("anna", Authentication.SHA, password, None, "")


def test_there_is_no_privacy_without_authentication() -> None:
    with pytest.raises(BadValue, match="privacy"):
        Secret.of("anna", None, "", Privacy.AES, "12345678")


@pytest.mark.parametrize("name", ["", "x" * 33])
def test_a_name_of_another_size_is_refused(name: str) -> None:
    with pytest.raises(BadValue, match="user"):
        Secret.of(name, None, "", None, "")


@pytest.mark.parametrize("privacy", list(Privacy))
@pytest.mark.parametrize("authentication", list(Authentication))
def test_what_is_encrypted_is_not_what_it_was_and_comes_back(
    authentication: Authentication, privacy: Privacy
) -> None:
    user = User(Secret.of("anna", authentication, "12345678", privacy, "87654321"), ENGINE)
    assert user.level is Level.PRIVACY
    assert user.cipher is not None
    for size in (0, 1, 15, 16, 17, 100, 1500):
        plain = bytes(range(256)) * 6
        sealed, salt = user.cipher.encrypt(plain[:size], 3, 500, 7)
        again = user.cipher.decrypt(sealed, 3, 500, salt)
        assert again is not None
        assert again[:size] == plain[:size]
        assert size < 15 or sealed[:size] != plain[:size]


def test_no_two_messages_are_encrypted_with_the_same_salt() -> None:
    user = User(Secret.of("anna", Authentication.SHA, "12345678", Privacy.AES, "12345678"), ENGINE)
    assert user.cipher is not None
    assert user.cipher.encrypt(b"same", 1, 1, 1) != user.cipher.encrypt(b"same", 1, 1, 2)


@pytest.mark.parametrize(
    ("privacy", "octets"), [(Privacy.AES, 16), (Privacy.AES192, 24), (Privacy.AES256, 32)]
)
def test_ciphers_have_keys_of_their_size(privacy: Privacy, octets: int) -> None:
    assert KEY_OCTETS[privacy] == octets


def test_passwords_are_not_shown() -> None:
    shown = repr(Secret.of("anna", Authentication.SHA, "12345678", Privacy.AES, "12345678"))
    assert "12345678" not in shown
    assert master_key(Authentication.SHA, b"12345678").hex() not in shown


@pytest.mark.parametrize("salt", [b"", b"1234567", b"123456789"])
def test_a_salt_of_another_size_is_no_salt(salt: bytes) -> None:
    for privacy in (Privacy.AES, Privacy.DES):
        user = User(Secret.of("anna", Authentication.SHA, "12345678", privacy, "12345678"), ENGINE)
        assert user.cipher is not None
        assert user.cipher.decrypt(bytes(16), 1, 1, salt) is None


def test_a_cipher_that_goes_on_encrypts_as_one_that_is_made_for_the_message() -> None:
    user = User(Secret.of("anna", Authentication.SHA, "12345678", Privacy.AES, "87654321"), ENGINE)
    key = privacy_key(Authentication.SHA, master_key(Authentication.SHA, b"87654321"), ENGINE, 16)
    assert user.cipher is not None
    for number, size in enumerate((75, 0, 16, 1, 1400, 17, 15), 1 << 40):
        plain = bytes(range(256)) * 6
        sealed, salt = user.cipher.encrypt(plain[:size], 3, 500, number)
        vector = (3).to_bytes(4, "big") + (500).to_bytes(4, "big") + salt
        assert sealed == Cipher(AES(key), CFB(vector)).encryptor().update(plain[:size])
        assert user.cipher.decrypt(sealed, 3, 500, salt) == plain[:size]
