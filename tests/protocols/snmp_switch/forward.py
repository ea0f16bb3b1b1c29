"""Run by snmpd (`pass_persist`, snmpd.conf(5)): forwards each question to the test's Unix socket, and the answer back.

Imports nothing of ours, so that snmpd may run it from anywhere.
"""

import socket
import sys


def main() -> None:
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(sys.argv[1])
        answers = line.makefile("r")
        while said := sys.stdin.readline():
            command = said.strip()
            if command == "PING":
                print("PONG", flush=True)
            if command in ("PING", ""):  # an empty line follows what is set
                continue
            words = [command, sys.stdin.readline().strip()]
            if command == "set":
                words.append(sys.stdin.readline().strip())
            line.sendall(("\t".join(words) + "\n").encode())
            print(answers.readline().rstrip("\n").replace("\t", "\n"), flush=True)


if __name__ == "__main__":
    main()
