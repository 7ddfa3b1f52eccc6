"""The floor of rendering: the same page by bare sandboxed Jinja, row after row, with nothing else around it."""

from pathlib import Path

import duckdb
from jinja2.sandbox import ImmutableSandboxedEnvironment

__all__ = ["render_all"]

HOUSE = {"name": "Maison Exemple", "urls": {"shop": "https://shop.example"}}
UNSUBSCRIBE = "https://relance.example/unsubscribe"
#: Each message of the chain by its step, and the file of its page.
PAGES = {"opening": "page.email.j2", "reminder": "note.sms.j2", "closing": "page.email.j2"}
ROWS = """
    SELECT c.contact_id, c.first_name, c.last_name, c.city, c.postcode FROM touches AS t
    JOIN contacts AS c ON c.contact_id = t.contact_id WHERE t.chain = 'three_steps' AND t.step = $step"""


def render_all(path: str, messages: Path) -> dict:
    """Render every touch of the floor's file; returns how many messages, and their letters."""
    environment = ImmutableSandboxedEnvironment(autoescape=True)
    con, count, letters = duckdb.connect(path, read_only=True), 0, 0
    for step, page in PAGES.items():
        text = (messages / page).read_text(encoding="utf-8")
        template = environment.from_string(text.split("\n---\n", 1)[-1])
        for batch in con.execute(ROWS, {"step": step}).to_arrow_reader(20_000):
            for row in batch.to_pylist():
                key = f"{row['contact_id']:037d}"
                letters += len(template.render(row, house=HOUSE, key=key, unsubscribe_url=UNSUBSCRIBE + key))
                count += 1
    con.close()
    return {"messages": count, "letters": letters}
