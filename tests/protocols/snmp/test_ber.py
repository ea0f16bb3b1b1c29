"""BER as SNMP uses it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.snmp import ber
from protocols.snmp.ber import Malformed, element, integer, name_body, read_integer, read_name, tlv


@pytest.mark.parametrize(
    ("value", "octets"),
    [
        (0, "020100"),
        (127, "02017f"),
        (128, "02020080"),
        (-1, "0201ff"),
        (-128, "020180"),
        (-129, "0202ff7f"),
        (2147483647, "02047fffffff"),
        (-2147483648, "020480000000"),
    ],
)
def test_integers_are_as_short_as_they_can_be(value: int, octets: str) -> None:
    assert integer(value).hex() == octets
    assert read_integer(bytes.fromhex(octets), 0, len(octets) // 2) == (value, len(octets) // 2)


@pytest.mark.parametrize(
    ("value", "octets"), [(4294967295, "410500ffffffff"), (2147483648, "41050080000000"), (255, "410200ff")]
)
def test_unsigned_types_have_a_leading_zero_where_their_highest_bit_is_set(value: int, octets: str) -> None:
    assert integer(value, ber.COUNTER32).hex() == octets


@pytest.mark.parametrize(
    ("oid", "octets"),
    [
        ((1, 3, 6, 1), "2b0601"),
        ((2, 100, 3), "813403"),  # the example of X.690 s8.19
        ((1, 0, 8802, 1), "28c46201"),
        ((1, 3, 4294967295), "2b8fffffff7f"),
    ],
)
def test_names_are_those_of_the_standard(oid: ber.Oid, octets: str) -> None:
    assert name_body(oid).hex() == octets
    assert read_name(bytes.fromhex(octets)) == oid


@given(st.lists(st.integers(0, 2**32 - 1), max_size=100), st.integers(0, 2), st.integers(0, 39))
def test_a_name_comes_back_as_it_was(rest: list[int], first: int, second: int) -> None:
    oid = (first, second, *rest)
    assert read_name(name_body(oid)) == oid


@given(st.lists(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=5), min_size=2, max_size=2))
def test_keys_sort_as_names_do(pair: list[list[int]]) -> None:
    one, other = (tuple(each) for each in pair)
    assert (ber.order(one) < ber.order(other)) == (one < other)


@pytest.mark.parametrize(
    "octets",
    ["", "80", "2b80", "2b8001", "2b" + "81" * 6 + "00", "2b9080808000", "2b" + "01" * 128],
    ids=["empty", "only padding", "cut", "padded", "too long a number", "33 bits", "129 numbers"],
)
def test_a_name_that_is_none_is_refused(octets: str) -> None:
    with pytest.raises(Malformed):
        read_name(bytes.fromhex(octets))


@pytest.mark.parametrize(
    "octets",
    ["", "30", "3080", "3081", "308501000000", "3002ff", "0400"],
    ids=[
        "empty",
        "no length",
        "indefinite",
        "length cut",
        "length of five octets",
        "beyond the end",
        "other tag",
    ],
)
def test_an_element_that_is_none_is_refused(octets: str) -> None:
    data = bytes.fromhex(octets)
    with pytest.raises(Malformed):
        element(data, 0, len(data), ber.SEQUENCE)


@pytest.mark.parametrize("octets", ["0200", "02050100000000", "0401ff"])
def test_an_integer_of_no_32_bits_is_refused(octets: str) -> None:
    data = bytes.fromhex(octets)
    with pytest.raises(Malformed):
        read_integer(data, 0, len(data))


@pytest.mark.parametrize("size", [0, 127, 128, 255, 256, 65535, 65536])
def test_lengths_of_all_sizes_are_read_back(size: int) -> None:
    data = tlv(ber.OCTETS, bytes(size))
    start, stop = element(data, 0, len(data), ber.OCTETS)
    assert (stop - start, stop) == (size, len(data))
