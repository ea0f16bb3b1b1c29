"""TCP sockets as the kernel lists them."""

from __future__ import annotations

import os
import socket

from device.linux.sockets import TcpSocket, TcpState, owned, parse

TABLE = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1
   1: 0100007F:1F90 0200007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1
   2: 0100007F:1F90 0200007F:D432 63 00000000:00000000 00:00000000 00000000  1000        0 4713 1
"""
MAPPED = """  sl  local_address                         remote_address                        st more
   0: 0000000000000000FFFF00000100007F:1F90 000080FE00000000FF005C02AB3412FE:D431 08 0:0 00:0 0 0 0 99 1
"""


def test_a_line_is_read_and_a_state_of_tomorrow_is_left_out() -> None:
    assert list(parse(TABLE, "little")) == [
        TcpSocket("127.0.0.1", 8080, "0.0.0.0", 0, TcpState.LISTEN, 4711),
        TcpSocket("127.0.0.1", 8080, "127.0.0.2", 54321, TcpState.ESTABLISHED, 4712),
    ]


def test_an_ipv4_address_on_an_ipv6_socket_is_shown_as_what_it_is() -> None:
    (found,) = parse(MAPPED, "little")
    assert (found.local, found.remote) == ("127.0.0.1", "fe80::25c:ff:fe12:34ab")
    assert found.state is TcpState.CLOSE_WAIT


def test_words_of_a_big_endian_machine() -> None:
    (found,) = parse("heading\n 0: 7F000001:1F90 00000000:0000 0A 0:0 00:0 0 0 0 7 1\n", "big")
    assert found.local == "127.0.0.1"


def test_only_those_of_a_process_are_found() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as here,
    ):
        port, near = server.getsockname()[1], here.getsockname()[1]
        mine = {(each.socket.local_port, each.socket.state) for each in owned([os.getpid()])}
        assert {(port, TcpState.LISTEN), (near, TcpState.ESTABLISHED)} <= mine
        assert owned([]) == []
