"""What Prefect keeps of the runs of a house, as text that can be searched."""

import base64
import re
import sqlite3
from pathlib import Path

__all__ = ["kept", "kept_in_files"]

_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_PICTURE = re.compile(r"base64,([A-Za-z0-9+/=]+)")


def kept(database: Path) -> str:
    """Every value of every table of Prefect's database; letters escaped in JSON as themselves, and pictures within as the
    text that they are drawn from."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as link:
        tables = [name for (name,) in link.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {table: link.execute(f'SELECT * FROM "{table}"').fetchall() for table in tables}
    assert rows["flow_run"] and rows["log"] and rows["artifact"] and rows["events"]
    text = "\n".join(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
                     for table in rows.values() for row in table for value in row)
    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    return _PICTURE.sub(lambda found: base64.b64decode(found[1]).decode("utf-8", "replace"), text)


def kept_in_files(folder: Path) -> dict[str, str]:
    """The text of every file in Prefect's folder, by its path there; its database's own files apart."""
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8", errors="replace")
            for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith("prefect.db")}
