"""Instants, and what a purchase is, as SQL text."""

from datetime import datetime

__all__ = ["BOUGHT", "literal"]

#: An order line that is a purchase: neither cancelled nor a return, whose amount is negative.
BOUGHT = "cancelled_at IS NULL AND (amount < 0) IS NOT TRUE"


def literal(instant: datetime | None) -> str:
    """An instant as SQL text; views take no parameters, and instants of ours need no quoting."""
    return f"TIMESTAMP '{instant.isoformat(sep=' ')}'" if instant else "NULL::TIMESTAMP"
