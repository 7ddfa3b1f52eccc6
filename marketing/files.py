"""Whether the files that a chain speaks of exist: its messages, audiences and channels."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from marketing.steps import Assign, Send, Split, walk

if TYPE_CHECKING:
    from marketing.chain import Chain

__all__ = ["audience_file", "check_files", "message_files"]

#: A value that a query takes by name.
VALUE = re.compile(r"\$([a-z_][a-z0-9_]*)")
HEAD_END = re.compile(r"^---[ \t]*$", re.MULTILINE)
COMMENT = re.compile(r"--[^\n]*")
TEXT = re.compile(r"'(?:[^']|'')*'")


def check_files(
    chain: Chain, folder: Path, audiences_dirs: Sequence[Path], channels: Collection[str],
    languages: Collection[str] = (),
) -> list[str]:
    """Every message, audience or channel that a chain speaks of and the house has not, each with its fix.

    Audiences are looked for in `folder`, then in `audiences_dirs`; `channels` are those the house has a
    connector for. Each message must exist in each of `languages`, or once for all languages.
    """
    problems = [*_of_channels(chain, channels), *_of_messages(chain, folder, languages)]
    for where, audience in _audiences(chain):
        problems += _of_query(chain, where, audience, [folder, *audiences_dirs])
    return problems


def audience_file(audience: str, folders: Iterable[Path]) -> Path | None:
    """The query of an audience: the first of that name in the folders given; None if none has it."""
    return next((path for path in (folder / f"{audience}.sql" for folder in folders) if path.is_file()), None)


def message_files(folder: Path, message: str, channel: str) -> dict[str, Path]:
    """The files of a message by language; the language of a file for all languages is ""."""
    whole = folder / "messages" / f"{message}.{channel}.j2"
    files = {"": whole} if whole.is_file() else {}
    for path in sorted((folder / "messages").glob(f"{message}.*.{channel}.j2")):
        files[path.name.removeprefix(f"{message}.").removesuffix(f".{channel}.j2")] = path
    return files


def _of_channels(chain: Chain, channels: Collection[str]) -> Iterator[str]:
    for send in _sends(chain):
        for channel in send.channels:
            if channel not in channels:
                yield (f'Send("{send.name}") goes by "{channel}", for which the house has no connector: '
                       f"add it to [channels] in house.toml, or use one of {', '.join(sorted(channels))}")


def _of_messages(chain: Chain, folder: Path, languages: Collection[str]) -> Iterator[str]:
    for send in _sends(chain):
        for channel in send.channels:
            found = message_files(folder, send.message, channel)
            where = f'Send("{send.name}") has no message'
            if not found:
                yield f"{where}: write {folder.name}/messages/{send.message}.<language>.{channel}.j2"
            elif "" not in found:
                for language in sorted(set(languages) - found.keys()):
                    yield f"{where} in {language}: write {folder.name}/messages/{send.message}.{language}.{channel}.j2"
            for path in found.values():
                yield from _of_head(path, channel)


def _of_head(path: Path, channel: str) -> Iterator[str]:
    """A message may open with `field: value` lines and a line `---`; an e-mail does, for its subject."""
    text = path.read_text(encoding="utf-8")
    head, body = HEAD_END.split(text, maxsplit=1) if HEAD_END.search(text) else ("", text)
    if not body.strip():
        yield f"{path.name} says nothing below its ---: write the message"
    elif channel == "email" and not re.search(r"^subject: *\S", head, re.MULTILINE):
        yield f"{path.name} has no subject: open the file with subject: … and a line ---"


def _of_query(chain: Chain, where: str, audience: str, folders: Sequence[Path]) -> Iterator[str]:
    path = audience_file(audience, folders)
    if path is None:
        yield f'{where} "{audience}" has no query: write {folders[0].name}/{audience}.sql'
        return
    query = path.read_text(encoding="utf-8")
    if not query.lstrip().startswith("--"):
        yield f"{path.name} does not open with its grain: begin with -- One row per contact …"
    known = {"as_of", *chain.params.model_fields}
    for value in sorted(set(VALUE.findall(TEXT.sub("", COMMENT.sub("", query)))) - known):
        yield f"{path.name} takes ${value}, which is no parameter of {chain.name}: use ${', $'.join(sorted(known))}"


def _audiences(chain: Chain) -> list[tuple[str, str]]:
    steps = list(walk(chain.steps))
    split = [(f'Split("{s.name}") on', audience) for s in steps if isinstance(s, Split) for audience in s.on]
    assign = [(f'Assign("{s.name}") to', s.to) for s in steps if isinstance(s, Assign)]
    return [("audience", chain.audience), *split, *assign]


def _sends(chain: Chain) -> list[Send]:
    return [step for step in walk(chain.steps) if isinstance(step, Send)]
