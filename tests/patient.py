"""What Prefect's API answers, asked again while its database is busy, as Prefect's own client does."""

import json
import time
import urllib.error
import urllib.request
from typing import Any

__all__ = ["answered"]

#: Prefect's server on SQLite says so while another of its transactions holds the database: nothing was done.
BUSY = 503


def answered(url: str, method: str, body: Any = None, *, seconds: float = 60) -> tuple[int, Any]:
    """Status and document of the answer; a refusal is an answer too."""
    until = time.monotonic() + seconds
    while True:
        request = urllib.request.Request(url, method=method, headers={"Content-Type": "application/json"},
                                         data=None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read() or "null")
        except urllib.error.HTTPError as refusal:
            if refusal.code != BUSY or time.monotonic() > until:
                return refusal.code, json.loads(refusal.read() or "null")
        time.sleep(0.5)
