"""Opens a home and writes to its ledger and inbox, then says when that was true: `python -m benchmarks.ready HOME`."""

import sys
import time
import uuid
from datetime import datetime
from pathlib import Path

from marketing.house import House
from marketing.policy import Policy
from warehouse import Warehouse, schema
from warehouse.inbox import Inbox

__all__ = ["opened"]

ROOT = Path(__file__).parent.parent


def opened(home: str) -> Warehouse:
    """The warehouse of a home, without Prefect."""
    return Warehouse.open(Path(home), House.read(Path(home) / "house.toml"), Policy.read(ROOT / "policy.toml"))


def take_one(home: str) -> None:
    """One write each, and the time of day after both."""
    warehouse = opened(home)
    with warehouse.ledger.begin() as tx:
        warehouse.ledger.put(tx, schema.meta, {"key": "ready", "value": "yes"})
    Inbox(warehouse).put("bench", str(uuid.uuid4()), b"{}", datetime(2026, 3, 2))
    print(time.time())


if __name__ == "__main__":
    take_one(sys.argv[1])
