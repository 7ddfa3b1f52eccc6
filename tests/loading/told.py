"""What the tests of loading say in common: a moment, and what became of the rows of a load."""

from datetime import datetime

from warehouse.loading import Report

AS_OF = datetime(2026, 11, 22, 8)


def counts(report: Report) -> dict[str, int]:
    """What became of the rows of a load."""
    return {name: getattr(report, name) for name in ("read", "new", "changed", "unchanged", "repeated", "rejected")}
