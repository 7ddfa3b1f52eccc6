"""The pages that are written from the code: commands, chains, views.

`python -m flows.cli.documented docs` writes docs/commands.md, docs/chains.md and docs/sql.md; tests hold them current.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["chains_page", "commands_page", "pages", "sql_page"]

_COMMANDS = """# Commands

What `relance COMMAND --help` says, in one page. Every command takes `--json` (one JSON document on the standard output,
errors too) and `--debug` (the traceback of an error). Codes: 0 done, 1 failed, 2 the command line is wrong, 3 waits
(stale sources, a held load, a confirmation).

Settings come from the environment: `RELANCE_HOME` (default `var`), `RELANCE_LEDGER_URL`, `RELANCE_WAREHOUSE_URL`,
`RELANCE_SECRET_KEY`; `house.toml` and `policy.toml` are read from the home, else from the project.
"""
_CHAINS = """# Chains

Written from the briefs in `chains/` by `relance chains diagram --write docs/chains.md`.
"""
_SQL = """# Views

What `relance sql`, audiences and reports can read: one moment of the warehouse. Times are UTC. Contacts and orders have
their attributes as further columns.
"""


def pages() -> dict[str, str]:
    """Every generated page by its file's name."""
    import chains

    return {"commands.md": commands_page(), "chains.md": chains_page(chains.load(name) for name in chains.names()),
            "sql.md": sql_page()}


def commands_page() -> str:
    """Every command's help, as Markdown."""
    import typer

    from flows.cli.main import app

    return "\n".join([_COMMANDS, *_commands(typer.main.get_command(app), "relance")])


def _commands(command, path: str) -> Iterator[str]:
    for name, part in command.commands.items():
        if hasattr(part, "commands"):
            yield from _commands(part, f"{path} {name}")
        else:
            yield _command(part, f"{path} {name}")


def _command(command, path: str) -> str:
    arguments = [part for part in command.params if part.param_type_name == "argument"]
    options = [part for part in command.params if part.param_type_name == "option" and part.name not in ("as_json", "debug")]
    usage = " ".join([path, *(f"{part.name.upper()}" if part.required else f"[{part.name.upper()}]" for part in arguments),
                      *(f"[{_option(part)}]" for part in options)])
    rows = [f"| `{part.name.upper()}` | {part.help} |" for part in arguments]
    rows += [f"| `{_option(part)}` | {part.help} |" for part in options]
    table = "\n".join(["", "| | |", "|---|---|", *rows, ""]) if rows else ""
    return f"## {path}\n\n```\n{usage}\n```\n\n{command.help.strip()}\n{table}"


def _option(part) -> str:
    return part.opts[0] if part.is_flag else f"{part.opts[0]} {part.metavar or part.name.upper()}"


def chains_page(chains: Iterable) -> str:
    """Title, brief, diagram and relation of each chain, as Markdown."""
    from marketing.drawing import brief, mermaid, table
    from marketing.graph import compile

    parts = [_CHAINS]
    for chain in chains:
        graph = compile(chain)
        parts.append(f"## {chain.title}\n\n`{chain.name}`. {brief(chain)}\n\n```mermaid\n{mermaid(graph).rstrip()}\n```\n\n"
                     f"{table(graph).rstrip()}\n")
    return "\n".join(parts)


def sql_page() -> str:
    """Every view and mart with its grain and columns, as an empty warehouse shows them."""
    from marketing.house import House
    from marketing.policy import Policy
    from warehouse import Warehouse
    from warehouse.marts import MARTS
    from warehouse.snapshot import public_macros, public_views

    root, parts = Path(__file__).parents[2], [_SQL]
    with TemporaryDirectory() as home:
        warehouse = Warehouse.open(Path(home), House.read(root / "house.toml"), Policy.read(root / "policy.toml"))
        with warehouse.snapshot() as snapshot:
            views = public_views()
            for title, names in (("Facts", sorted(set(views) - set(MARTS))), ("Marts", sorted(MARTS))):
                parts.append(f"## {title}\n\n| view | what it holds | columns |\n|---|---|---|\n"
                             + "\n".join(_view(snapshot, name, views[name]) for name in names) + "\n")
        warehouse.close()
    parts.append("## With arguments\n\n| in FROM | what it holds |\n|---|---|\n" + "\n".join(
        f"| `{name}({arguments})` | {_said(query)} |" for name, (arguments, query) in public_macros().items()) + "\n")
    return "\n".join(parts)


def _view(snapshot, name: str, query: str) -> str:
    columns = snapshot.sql(f"SELECT * FROM {name} LIMIT 0").schema.names
    return f"| `{name}` | {_said(query)} | {', '.join(columns)} |"


def _said(query: str) -> str:
    """The comment that a query opens with, as a table can hold it."""
    said = []
    for line in query.splitlines():
        if not line.startswith("--"):
            break
        said.append(line.removeprefix("--").strip())
    return " ".join(said).replace("|", "/")


if __name__ == "__main__":
    for file, text in pages().items():
        (Path(sys.argv[1]) / file).write_text(text, encoding="utf-8")
