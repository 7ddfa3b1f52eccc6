"""What a pass decides: the columns that are the same whatever the threads, the order of the slices, retries or kills."""

__all__ = ["COMPARED", "relations"]

#: View and columns. Numbers that only name a wave, a run or a part are left out: a wave that a death left empty,
#: or two chains that ran side by side, give them in another order. Who, where, when and why are all here.
COMPARED = {
    "moves": ("chain", "version", "contact_id", "seq", "from_step", "to_step", "reason", "visit", "due_at", "moved_at"),
    "touches": ("chain", "version", "contact_id", "step", "visit", "leg", "channel", "purpose", "connector", "planned_at",
                "cost"),
    "refusals": ("chain", "version", "contact_id", "step", "visit", "leg", "reason", "rule", "value", "limit_value",
                 "until_at", "stage", "refused_at"),
}


def relations(snapshot) -> dict[str, list[tuple]]:
    """The compared columns of each view, sorted: two warehouses that did the same hold equal ones."""
    return {view: [tuple(row.values()) for row in
                   snapshot.sql(f"SELECT {', '.join(columns)} FROM {view} ORDER BY ALL").to_pylist()]
            for view, columns in COMPARED.items()}
