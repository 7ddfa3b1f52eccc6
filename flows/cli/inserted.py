"""What stands between marks in the hand-written pages, and their pictures: written from the code.

`python -m flows.cli.inserted docs` renews them; tests hold them current.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["inserts", "pictures", "renewed", "spoken"]

ROOT = Path(__file__).parents[2]
_MARKED = re.compile(r"(<!-- (\w+): generated -->\n).*?(<!-- \2: end -->\n)", re.DOTALL)


def renewed(text: str) -> str:
    """A page with everything between its marks written anew. Raises KeyError for a mark that nothing writes."""
    made = inserts()
    return _MARKED.sub(lambda found: f"{found[1]}{made[found[2]]()}{found[3]}", text)


def inserts() -> dict:
    """What can stand between marks, by the name in the mark: functions that return Markdown."""
    return {"failpoints": _failpoints, "responses": _responses, "channels": _channels, "outcomes": _outcomes,
            "errors": _errors, "health": _health, "capabilities": _capabilities, "refusals": _refusals, "grounds": _grounds,
            "alarms": _alarms, "connectors": _connectors}


def pictures() -> dict[str, str]:
    """Every drawn picture of docs/images by its file's name: each chain as it is written."""
    import chains
    from marketing.graph import compile
    from reports.diagram import svg

    drawn = {}
    for name in chains.names():
        chain = chains.load(name)
        text = svg(compile(chain), None, {}, f"{chain.title}: the steps of the chain {name}")
        # On its own, in a page of any colour, a picture needs a size and a ground.
        drawn[f"{name}.svg"] = re.sub(r'style="width:(\d+)px"', r'width="\1" style="background:#ffffff"', text, count=1) + "\n"
    return drawn


def spoken(path: Path, within: str | None = None) -> dict[str, tuple[str, str]]:
    """The values written in a module (or one of its classes) below a `#:` line: name -> (source text, the words)."""
    text = path.read_text(encoding="utf-8")
    lines, body = text.splitlines(), ast.parse(text).body
    if within:
        body = next(part for part in body if isinstance(part, ast.ClassDef) and part.name == within).body
    found = {}
    for part in body:
        target = part.targets[0] if isinstance(part, ast.Assign) else part.target if isinstance(part, ast.AnnAssign) else None
        words, line = [], part.lineno - 2
        while line >= 0 and lines[line].strip().startswith("#:"):
            words.insert(0, lines[line].strip().removeprefix("#:").strip())
            line -= 1
        if isinstance(target, ast.Name) and words:
            found[target.id] = ast.unparse(part.value) if part.value else "", " ".join(words)
    return found


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *([_cell(str(cell)) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _cell(text: str) -> str:
    """Text that a table can hold: no bar, and outside of code no tag."""
    return (text if text.startswith("`") else text.replace("<", "&lt;")).replace("|", "/")


def _failpoints() -> str:
    from warehouse.failpoints import FAILPOINTS

    return _table(["place", "what is at stake"], ((f"`{name}`", words) for name, words in FAILPOINTS.items()))


def _responses() -> str:
    from marketing import responses

    said = spoken(ROOT / "marketing" / "responses.py")
    rows = []
    for name, (_, words) in said.items():
        kind = getattr(responses, name)
        if not isinstance(kind, str):
            continue
        branch = kind in responses.KNOWN | {responses.NOT_SENT} and kind not in responses.MACHINE_BRANCH_FORBIDDEN
        rows.append((f"`{name}`", words, "yes" if branch else "no", "yes" if kind in responses.UNKEYED_KINDS else "no"))
    return _table(["word", "what happened", "can be a branch", "may come without a token"], rows)


def _channels() -> str:
    return _table(["channel", "what it is"], ((f"`{value.strip(chr(39))}`", words) for value, words in
                                              spoken(ROOT / "marketing" / "channels.py").values()))


def _base(within: str) -> dict[str, tuple[str, str]]:
    return spoken(ROOT / "connectors" / "base.py", within)


def _outcomes() -> str:
    return _table(["outcome", "meaning"], ((f"`{name}`", words) for name, (_, words) in _base("Outcome").items()))


def _errors() -> str:
    return _table(["error", "meaning"], ((f"`{name}`", words) for name, (_, words) in _base("ErrorKind").items()))


def _health() -> str:
    return _table(["field", "what it says"], ((f"`{name}`", words) for name, (_, words) in _base("Health").items()))


def _capabilities() -> str:
    return _table(["capability", "unless you say otherwise", "meaning"],
                  ((f"`{name}`", f"`{value}`", words) for name, (value, words) in _base("Capabilities").items()))


def _refusals() -> str:
    from marketing.gate import REASONS

    return _table(["reason", "in words"], ((f"`{name}`", words) for name, words in REASONS.items()))


def _alarms() -> str:
    from marketing.alarms import KINDS

    return _table(["alarm", "what it means", "what to do"], (
        (f"`{kind}`", meaning, advice.format(what="NAME")) for kind, (meaning, advice) in KINDS.items()))


def _grounds() -> str:
    from marketing.channels import CHANNELS
    from marketing.gate import GROUNDS
    from marketing.steps import COMMERCIAL, RELATIONSHIP

    words = {"granted": "consent", "customer": "being a customer", "no_objection": "no objection"}
    return _table(["channel", *(f"{purpose} message" for purpose in (COMMERCIAL, RELATIONSHIP))], (
        (f"`{channel}`", *(" or ".join(words[ground] for ground in sorted(GROUNDS[channel, purpose]))
                           for purpose in (COMMERCIAL, RELATIONSHIP))) for channel in sorted(CHANNELS)))


def _connectors() -> str:
    from connectors.registry import connector_class, kinds

    parts = []
    for kind in kinds():
        made = connector_class(kind)
        # What a person cannot write in a TOML file is for tests.
        fields = {name: field for name, field in made.Settings.model_fields.items() if "Callable" not in str(field.annotation)}
        parts.append(f"**`{kind}`**: {_cell(made.__doc__.splitlines()[0])}\n\n" + _table(
            ["setting", "unless you say otherwise", "meaning"],
            ((f"`{name}`", _default(field), field.description or "") for name, field in fields.items())))
    return "\n".join(parts)


def _default(field) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return ""
    if isinstance(value, frozenset):
        return ", ".join(sorted(map(str, value)))
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _pages(folder: Path) -> Iterator[tuple[Path, str]]:
    for page in sorted(folder.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        if page.name != "loading.md" and _MARKED.search(text):
            yield page, text


if __name__ == "__main__":
    docs = Path(sys.argv[1])
    for page, text in _pages(docs):
        page.write_text(renewed(text), encoding="utf-8")
    (docs / "images").mkdir(exist_ok=True)
    for name, text in pictures().items():
        (docs / "images" / name).write_text(text, encoding="utf-8")
