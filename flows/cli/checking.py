"""Whether the chains are sound: their grammar, their files, their messages, their queries."""

from pathlib import Path

__all__ = ["problems"]


def problems(wired, only: str | None = None) -> dict[str, list[str]]:
    """Every mistake by chain, none where it is sound; a broken file is a mistake of its own chain.

    Raises NoSuchChain.
    """
    import chains
    from flows.chain_files import SHARED
    from marketing.check import check_all, check_files

    if only is not None:
        chains.folder(only)
    loaded, found = {}, {}
    for name in chains.names():
        try:
            loaded[name] = chains.load(name)
        except chains.BrokenChain as error:
            found[name] = [str(error)]
    house = wired.warehouse.house
    languages = {house.language}
    with wired.warehouse.snapshot() as snapshot:
        for name, chain in loaded.items():
            if only not in (None, name):
                continue
            found[name] = check_files(chain, chains.folder(name), [SHARED], house.channels, languages)
            if not found[name]:
                found[name] = [*_messages(wired, chain, chains.folder(name)), *_queries(snapshot, chain)]
    for problem in check_all(loaded.values()):
        name = problem.split(":")[0].split(" ")[0]
        found.setdefault(name, []).append(problem)
    return {name: found[name] for name in sorted(found) if only in (None, name)}


def _messages(wired, chain, folder: Path) -> list[str]:
    """The messages that do not compile, each language of each."""
    from connectors.message import BadTemplate, MissingMessage
    from marketing.files import message_files
    from marketing.steps import Send, walk

    faults = []
    for step in walk(chain.steps):
        if not isinstance(step, Send):
            continue
        for channel in step.channels:
            for language in message_files(folder, step.message, channel):
                try:
                    wired.messages.get(chain.name, step.message, channel, language)
                except (BadTemplate, MissingMessage) as error:
                    faults.append(str(error))
    return faults


def _queries(snapshot, chain) -> list[str]:
    """The queries that the views do not answer, with the chain's default parameters; nothing is computed."""
    import duckdb

    from flows.chain_files import queries

    values = {**chain.params().model_dump(mode="json"), "as_of": snapshot.warehouse.clock.now()}
    faults = []
    for name, query in queries(chain).items():
        wanted = "contact_id, rep" if name in _assigned(chain) else "contact_id"
        try:
            snapshot.sql(f"SELECT {wanted} FROM ({query}) AS a LIMIT 0", **values)
        except duckdb.Error as error:
            faults.append(f"{name}.sql: {str(error).splitlines()[0]}")
    return faults


def _assigned(chain) -> set[str]:
    from marketing.steps import Assign, walk

    return {step.to for step in walk(chain.steps) if isinstance(step, Assign)}
