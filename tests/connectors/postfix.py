"""A Postfix of the test's own, on loopback, that relays example.com to a port and knows no other domain."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from smtplib import SMTP

from tests.connectors.servers import free_port

__all__ = ["relay"]

_MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log/mail.log
maillog_file_prefixes = {folder}/log
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = relay.example
mydestination =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
disable_dns_lookups = yes
transport_maps = inline:{{ {{ example.com = smtp:[127.0.0.1]:{sink} }}, {{ * = error:5.1.2 no route to this domain }} }}
alias_maps =
biff = no
"""
#: Service, type, private, unprivileged, chroot, wakeup, limit, command: what a relay needs, nothing in a chroot.
_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@contextmanager
def relay(sink: int) -> Iterator[int]:
    """The port of a running relay that hands all mail for example.com to the port `sink`; needs root, as Postfix does."""
    # Not under pytest's folder: the account postfix may not look into it.
    folder, port = Path(tempfile.mkdtemp(prefix="relance-postfix-")), free_port()
    folder.chmod(0o755)
    for name in ("config", "queue", "data", "log"):
        (folder / name).mkdir()
    account = pwd.getpwnam("postfix")
    os.chown(folder / "data", account.pw_uid, account.pw_gid)
    (folder / "config" / "main.cf").write_text(_MAIN.format(folder=folder, sink=sink))
    (folder / "config" / "master.cf").write_text(_MASTER.format(port=port))
    postfix = ["/usr/sbin/postfix", "-c", str(folder / "config")]
    try:
        done = subprocess.run([*postfix, "start"], capture_output=True, text=True, check=False, timeout=60)
        if done.returncode:
            raise RuntimeError(f"postfix start ended with {done.returncode}: {done.stderr}")
        _wait(port)
        yield port
    finally:
        subprocess.run([*postfix, "abort"], capture_output=True, check=False, timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(port: int) -> None:
    for _ in range(100):
        try:
            with SMTP("127.0.0.1", port, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"Postfix does not answer on port {port}")
