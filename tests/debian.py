"""The Debian packages that tests and benches use: real servers and players to judge us by.

The recorder itself needs none of them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable

#: Debian package -> what we use it for.
PACKAGES = {
    "busybox-static": "the first program of a guest",
    "chrony": "chronyd: the time server, and the client that is told whom to follow",
    "chromium": "the browser that the pages are tested with",
    "cryptsetup-bin": "cryptsetup: encrypted volumes, in a guest",
    "dbconfig-sqlite3": "what glewlwyd wants to be installed with, the smallest of its choices",
    "e2fsprogs": "mkfs.ext4 and e2fsck: the store after a power cut, on the usual file system",
    "ethtool": "ethtool: how the kernel's own PoE ports are asked",
    "ffmpeg": "ffmpeg and ffprobe: client of our RTSP server, server for our RTSP client, judge of our files",
    "firefox-esr": "the second browser that the pages are tested with",
    "gir1.2-gst-rtsp-server-1.0": "GStreamer's RTSP server, as a camera that is not ours",
    "glewlwyd": "the OpenID provider that people and programs come in from",
    "gstreamer1.0-libav": "decoders for GStreamer's side",
    "gstreamer1.0-plugins-bad": "H.265 for GStreamer's side",
    "gstreamer1.0-plugins-base": "the base of GStreamer's side",
    "gstreamer1.0-plugins-good": "rtspsrc, RTP and splitmuxsink",
    "gstreamer1.0-plugins-ugly": "x264enc, for cameras that are not ours",
    "gstreamer1.0-tools": "gst-launch-1.0: second client of our RTSP server",
    "iproute2": "ip: addresses and routes by the kernel alone",
    "jq": "checks the signature of an export without us, with openssl",
    "kmod": "modprobe and depmod: modules of a guest's kernel",
    "libatomic1": "a library that Playwright's own node needs",
    "mdadm": "mdadm: real RAID, in a guest",
    "mkvtoolnix": "mkvmerge: judge of our Matroska files",
    "mosquitto": "mosquitto: the broker that our MQTT side talks to",
    "mosquitto-clients": "mosquitto_sub and mosquitto_pub: what a broker's other clients see and say",
    "mpv": "third client of our RTSP server, player of our files",
    "openssl": "checks the signature of an export without us, with jq",
    "p7zip-full": "7z: judge of encrypted exports",
    "python3-aiosmtpd": "the mail server that our mails go to",
    "python3-gi": "runs GStreamer's RTSP server",
    "qemu-system-x86": "guests with a kernel and drives of their own, whose power can be cut",
    "rsyslog": "rsyslogd: the server that our syslog messages are read by",
    "rsyslog-gnutls": "rsyslogd over TLS",
    "samba": "smbd: shares that video is archived to",
    "smbclient": "reads what we wrote to a share, and is the bench's peer",
    "smitools": "smilint and smidump: judges of our MIB",
    "snmp": "net-snmp's tools: managers that ask our SNMP agent",
    "snmpd": "net-snmp's agent: the PoE switch that is not ours",
    "snmptrapd": "receives our traps and informs",
    "strace": "strace: what the store asks of its file systems, to make every state after a power cut of it",
    "systemd": "systemd-analyze: judge of our unit file",
    "vsftpd": "the FTP server that our files go to",
    "xfsprogs": "mkfs.xfs and xfs_repair: the store on the second file system",
}


class PackagesMissing(Exception):
    """Packages are missing and may not be installed by us; the message says what the person should do."""


def missing(packages: Iterable[str] = PACKAGES) -> list[str]:
    """Those of `packages` that are not installed, sorted."""
    query = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *packages]
    # Its exit code is 1 when it does not know one of them; the others are printed all the same.
    shown = subprocess.run(query, capture_output=True, text=True, check=False).stdout
    installed = {line.split()[0] for line in shown.splitlines() if line.endswith(" installed")}
    return sorted(set(packages) - installed)


def require(packages: Iterable[str] = PACKAGES) -> None:
    """Install what is missing, as root without asking.

    Raises:
        PackagesMissing: an ordinary user has to do it, apt-get failed, or this is no Debian.
    """
    if not shutil.which("dpkg-query") or not shutil.which("apt-get"):
        listing = "\n".join(f"    {name:28} {why}" for name, why in PACKAGES.items())
        raise PackagesMissing(f"The tests run on Debian and its derivatives, with these packages:\n{listing}")
    absent = missing(packages)
    if not absent:
        return
    if os.geteuid() != 0:
        line = f"sudo apt-get install -y --no-install-recommends {' '.join(absent)}"
        raise PackagesMissing(f"The tests need more Debian packages. Run\n\n    {line}\n\nand this again.")
    print(f"Installing Debian packages: {' '.join(absent)} ...", file=sys.stderr, flush=True)
    apt = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = [*apt, "install", "--no-install-recommends", *absent]
    if subprocess.run(install, env=environment, stdout=subprocess.DEVNULL, check=False).returncode == 0:
        return
    # On a new machine apt does not know any package yet.
    subprocess.run([*apt, "update"], env=environment, stdout=subprocess.DEVNULL, check=False)
    if subprocess.run(install, env=environment, stdout=subprocess.DEVNULL, check=False).returncode != 0:
        raise PackagesMissing(f"apt-get could not install {' '.join(absent)}; the lines above say why.")
