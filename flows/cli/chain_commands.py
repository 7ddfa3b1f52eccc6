"""`relance chains`: list them, draw them, check them, write a new one."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli import chain_changes
from flows.cli.answering import FAILED, USAGE, Answer, Refused, answers, written

__all__ = ["check", "diagram", "family", "listing", "new"]

family = typer.Typer(help="List, draw and check the chains; begin a new one; change one that people are in.",
                     no_args_is_help=True)
Chain = Annotated[str | None, typer.Argument(help="One chain; none: all of them.", show_default=False)]


@family.command("list")
@answers
def listing() -> Answer:
    """List the chains of the house."""
    import chains
    from flows.cli.showing import table

    rows = []
    for name in chains.names():
        try:
            chain = chains.load(name)
            rows.append({"chain": name, "title": chain.title, "kind": chain.kind, "audience": chain.audience,
                         "params": {key: field.get_default(call_default_factory=True)
                                    for key, field in chain.params.model_fields.items()}, "error": None})
        except chains.BrokenChain as error:
            rows.append({"chain": name, "title": None, "kind": None, "audience": None, "params": {}, "error": str(error)})
    shown = [table(["Chain", "Title", "Kind", "Audience", "Parameters"], [
        (row["chain"], row["title"] or row["error"], row["kind"], row["audience"], ", ".join(row["params"])) for row in rows])]
    return Answer(rows, shown, FAILED if any(row["error"] for row in rows) else 0)


@family.command()
@answers
def diagram(
    chain: Chain = None,
    write: Annotated[Path | None, typer.Option("--write", help="Write the page into this file.", show_default=False)] = None,
    check: Annotated[bool, typer.Option("--check", help="With --write: only say whether the file is current.")] = False,
) -> Answer:
    """Draw the chains as Mermaid diagrams and tables, in Markdown."""
    import chains
    from flows.cli.documented import chains_page

    names = chains.names() if chain is None else [chain]
    text = chains_page(chains.load(name) for name in names)
    if write is None:
        return Answer({"chains": names, "markdown": text}, [text.rstrip()])
    if check:
        same = write.is_file() and write.read_text(encoding="utf-8") == text
        said = "is as the chains are." if same else f"is out of date. Next: relance chains diagram --write {write}"
        return Answer({"chains": names, "path": str(write), "current": same}, [f"{write} {said}"], 0 if same else FAILED)
    return Answer({"chains": names, "path": written(write, text)}, [f"Written: {write}"])


@family.command()
@answers
def check(
    chain: Chain = None,
    sending: Annotated[bool, typer.Option("--sending", help=(
        "Print every message as it would leave now, for somebody invented, and say what stands against sending it."))] = False,
    param: Annotated[list[str] | None, typer.Option("--param", metavar="NAME=VALUE", show_default=False, help=(
        "With --sending and one chain: a parameter of the wave; may be given several times."))] = None,
    links: Annotated[bool, typer.Option("--links", help=(
        "With --sending: try every link; without it no site is asked anything."))] = False,
) -> Answer:
    """Check the chains: grammar, messages in each language, audiences, channels; with --sending, what they say.

    Ends with 1 when something is wrong, and names the fix. Remarks are not wrong.
    """
    from flows.cli import running
    from flows.cli.checking import problems
    from flows.cli.sending_checks import before_sending, told

    if (param or links) and not sending or param and chain is None:
        raise Refused("--param and --links belong to --sending, and --param to one chain: "
                      "relance chains check CHAIN --sending.", USAGE)
    wired = running.opened()
    found = problems(wired, chain)
    shown = []
    for name, faults in found.items():
        shown += [f"{name}: {'sound' if not faults else f'{len(faults)} to mend'}", *(f"  {fault}" for fault in faults)]
    sound = not any(found.values())
    record = {"sound": sound, "chains": found}
    if sending:
        said = before_sending(wired, [name for name, faults in found.items() if not faults], param or [], links)
        clear = sound and not any(finding.blocking for findings in said.values() for finding in findings)
        following = f"relance pass {chain or 'CHAIN'} --rehearse" if clear else "mend that, then the same command again"
        return Answer({**record, "may_leave": clear, "sending": said}, [*shown, *told(said), f"Next: {following}"],
                      0 if clear else FAILED)
    return Answer(record, shown, 0 if sound else FAILED)


@family.command()
@answers
def new(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits and _: the folder's name.", show_default=False)],
) -> Answer:
    """Begin a new chain: a folder with a working brief, its audience, and messages in French and English."""
    import chains
    from flows.cli.beginning import begin
    from marketing.check import named

    if not named(name):
        raise Refused(f"{name!r} cannot name a chain; accepted: lower-case letters, digits and _, a letter first.", 2)
    if name in chains.names() or (Path(chains.__path__[0]) / name).exists():
        raise Refused(f"chains/{name} is there already; choose another name, or edit {chains.__path__[0]}/{name}.", 2)
    files = begin(Path(chains.__path__[0]), name)
    return Answer({"chain": name, "files": [str(file) for file in files]},
                  [*(f"Written: {file}" for file in files), f"Next: edit them, then: relance chains check {name}"])


for _command in (chain_changes.diff, chain_changes.migrate, chain_changes.keep, chain_changes.pause, chain_changes.resume):
    family.command()(_command)
