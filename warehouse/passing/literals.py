"""Instants as SQL text."""

from datetime import datetime

__all__ = ["literal"]


def literal(instant: datetime | None) -> str:
    """An instant as SQL text; views take no parameters, and instants of ours need no quoting."""
    return f"TIMESTAMP '{instant.isoformat(sep=' ')}'" if instant else "NULL::TIMESTAMP"
