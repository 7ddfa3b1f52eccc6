"""A real Prefect server of the benchmark's own, on a free loopback port, with a database that ends with it."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["server"]

STARTS_WITHIN = 180
QUIET = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1", "PREFECT_LOGGING_LEVEL": "ERROR",
         "PREFECT_LOGGING_SERVER_LEVEL": "CRITICAL"}


@contextmanager
def server() -> Iterator[None]:
    """Start a server; PREFECT_API_URL names it to the processes started inside the `with`."""
    home = tempfile.mkdtemp(prefix="prefect-")
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    os.environ |= {**QUIET, "PREFECT_HOME": home, "PREFECT_API_URL": f"http://127.0.0.1:{port}/api"}
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(process, f"http://127.0.0.1:{port}/api/health")
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)
        del os.environ["PREFECT_API_URL"]
        shutil.rmtree(home, ignore_errors=True)


def _wait(process: subprocess.Popen, url: str) -> None:
    for _ in range(STARTS_WITHIN * 5):
        if process.poll() is not None:
            raise RuntimeError(f"the Prefect server ended with {process.returncode} before it answered")
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"the Prefect server did not answer {url} within {STARTS_WITHIN} s")
