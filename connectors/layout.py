"""A template read as pieces, and made one file: without extends, blocks and includes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from jinja2 import Environment, TemplateSyntaxError


__all__ = ["BadTemplate", "Piece", "Read", "end_of", "flatten"]

#: Gives the text of a template by its name on the search path; raises BadTemplate.
Read = Callable[[str], str]


class BadTemplate(ValueError):
    """A message file cannot be compiled; the text names the file, the place and the fix."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a template: `kind` is data, show ({{ … }}) or tag ({% … %}); `words` are a tag's tokens."""

    kind: str
    text: str
    words: tuple[str, ...] = ()
    line: int = 0

    @property
    def word(self) -> str:
        return self.words[0] if self.words else ""


_ENDS = {"data": "data", "variable": "show", "block": "tag"}


def pieces(env: Environment, source: str, name: str) -> list[Piece]:
    """Cut a template's source by Jinja's own lexer; comments are dropped."""
    out: list[Piece] = []
    kind, text, words, start = "", "", [], 0
    try:
        tokens = list(env.lex(source, name))
    except TemplateSyntaxError as error:
        raise BadTemplate(f"{name}, line {error.lineno}: {error.message}") from None
    for line, token, value in tokens:
        opens, _, edge = token.partition("_")
        if edge == "begin":
            kind, text, words, start = opens, "", [], line
        if opens == "data" and not kind:
            out.append(Piece("data", value, line=line))
        text += value
        if token not in ("whitespace", "block_begin", "block_end", "variable_begin", "variable_end"):
            words.append(value)
        if edge == "end":
            if kind == "raw":
                out.append(Piece("show", text, line=start))
            elif kind != "comment":
                out.append(Piece(_ENDS[kind], text.rstrip(), tuple(words), start))
            kind = ""
    if kind:
        raise BadTemplate(f"{name}, line {start}: {text.strip()[:40]!r} is never closed")
    return out


def _quoted(piece: Piece, where: str) -> str:
    match = re.fullmatch(r"""(["'])(.+)\1""", piece.words[1] if len(piece.words) == 2 else "")
    if not match:
        raise BadTemplate(f"{where}, line {piece.line}: {piece.text} must name one file in quotes, "
                          f'such as {{% {piece.word} "layout.html.j2" %}}')
    return match[2]


#: What a file that extends another may say outside its blocks.
_BEFORE = frozenset({"set", "macro", "import", "from"})


def end_of(items: list[Piece], start: int, name: str) -> int:
    """Where the tag at `start` is closed."""
    word, depth = items[start].word, 0
    for i in range(start, len(items)):
        if items[i].kind == "tag":
            depth += (items[i].word == word) - (items[i].word == f"end{word}")
        if depth == 0:
            return i
    raise BadTemplate(f"{name}, line {items[start].line}: {items[start].text} is never closed by {{% end{word} %}}")


def flatten(env: Environment, source: str, name: str, read: Read) -> list[Piece]:
    """One list of pieces without extends, block, super() and include. Raises BadTemplate."""
    return _flatten(env, source, name, read, {}, (name,))


def _flatten(env: Environment, source: str, name: str, read: Read, filled: dict[str, list[list[Piece]]],
             trail: tuple[str, ...]) -> list[Piece]:
    items = _include(env, pieces(env, source, name), name, read, trail)
    parent = next((p for p in items if p.kind == "tag" and p.word == "extends"), None)
    if parent is None:
        return _fill(items, filled, name)
    above = _quoted(parent, name)
    _no_circle(above, trail)
    kept, i = [], 0
    while i < len(items):
        piece, end = items[i], i
        if piece.word == "block" and piece.kind == "tag":
            end = end_of(items, i, name)
            filled.setdefault(piece.words[1], []).append(items[i + 1 : end])
        elif piece.kind == "tag" and piece.word in _BEFORE:
            spans = piece.word == "macro" or (piece.word == "set" and "=" not in piece.words)
            end = end_of(items, i, name) if spans else i
            kept += items[i : end + 1]
        elif piece is not parent and piece.text.strip():
            raise BadTemplate(f"{name}, line {piece.line}: {piece.text.strip()[:40]!r} stands outside every block "
                              f"of a file that extends {above!r}; put it in a block")
        i = end + 1
    return kept + _flatten(env, read(above), above, read, filled, (*trail, above))


def _include(env: Environment, items: list[Piece], name: str, read: Read, trail: tuple[str, ...]) -> list[Piece]:
    out: list[Piece] = []
    for piece in items:
        if piece.kind == "tag" and piece.word == "include":
            other = _quoted(piece, name)
            _no_circle(other, trail)
            out += _flatten(env, read(other), other, read, {}, (*trail, other))
        elif piece.words[:2] == ("self", "."):
            raise BadTemplate(f"{name}, line {piece.line}: {piece.text} repeats a block; write a macro and call it twice")
        else:
            out.append(piece)
    return out


def _no_circle(name: str, trail: tuple[str, ...]) -> None:
    if name in trail:
        raise BadTemplate(f"{' → '.join((*trail, name))}: the files include each other in a circle")


def _fill(items: list[Piece], filled: dict[str, list[list[Piece]]], name: str) -> list[Piece]:
    out: list[Piece] = []
    i = 0
    while i < len(items):
        piece = items[i]
        if piece.kind == "tag" and piece.word == "block":
            end = end_of(items, i, name)
            versions = [*filled.get(piece.words[1], []), items[i + 1 : end]]
            out += _fill(_super(versions), filled, name)
            i = end
        else:
            out.append(piece)
        i += 1
    return out


def _super(versions: list[list[Piece]]) -> list[Piece]:
    # The child's version comes first; {{ super() }} stands for the next one up.
    first, *above = versions
    return [q for p in first for q in (_super(above) if p.words == ("super", "(", ")") and above else [p])]
