"""A message's page made ready once: inheritance flattened, CSS inlined, the text part derived."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import css_inline
from jinja2 import Environment, TemplateSyntaxError

from connectors.plaintext import plain_text

__all__ = ["BadTemplate", "Piece", "Read", "flatten", "inline", "mask", "text_of"]

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
    return out


def _quoted(piece: Piece, where: str) -> str:
    match = re.fullmatch(r"""(["'])(.+)\1""", piece.words[1] if len(piece.words) == 2 else "")
    if not match:
        raise BadTemplate(f"{where}, line {piece.line}: {piece.text} must name one file in quotes, such as {{% {piece.word} \"layout.html.j2\" %}}")
    return match[2]


#: What a file that extends another may say outside its blocks.
_BEFORE = frozenset({"set", "macro", "import", "from"})


def _end(items: list[Piece], start: int) -> int:
    """Where the tag at `start` is closed."""
    word, depth = items[start].word, 0
    for i in range(start, len(items)):
        if items[i].kind == "tag":
            depth += (items[i].word == word) - (items[i].word == f"end{word}")
        if depth == 0:
            return i
    raise BadTemplate(f"line {items[start].line}: {items[start].text} is never closed by {{% end{word} %}}")


def flatten(env: Environment, source: str, name: str, read: Read) -> list[Piece]:
    """One list of pieces without extends, block, super() and include. Raises BadTemplate."""
    return _flatten(env, source, name, read, {}, (name,))


def _flatten(env: Environment, source: str, name: str, read: Read, filled: dict[str, list[list[Piece]]], trail: tuple[str, ...]) -> list[Piece]:
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
            end = _end(items, i)
            filled.setdefault(piece.words[1], []).append(items[i + 1 : end])
        elif piece.kind == "tag" and piece.word in _BEFORE:
            spans = piece.word == "macro" or (piece.word == "set" and "=" not in piece.words)
            end = _end(items, i) if spans else i
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
            end = _end(items, i)
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


def mask(items: list[Piece], name: str) -> tuple[str, dict[int, Piece], set[int]]:
    """Page with every Jinja tag as a mark that HTML keeps: comment, attribute or word, by where it stands.

    Returns the page, the piece of each mark, and the marks that stand in a <style>, which CSS may repeat.
    """
    out: list[str] = []
    marks: dict[int, Piece] = {}
    styled: set[int] = set()
    state = _State()
    rest = iter(range(len(items)))
    for i in rest:
        piece = items[i]
        if piece.kind == "data":
            state.read(piece.text)
            out.append(piece.text)
            continue
        if state.where == "tag" and piece.word in ("if", "for"):
            piece = _attributes(items[i : _end(items, i) + 1], name)
            for _ in range(_end(items, i) - i):
                next(rest)
        n = len(marks)
        marks[n] = piece
        if state.where == "style":
            if piece.kind == "tag":
                raise BadTemplate(f"{name}, line {piece.line}: {piece.text} stands in a <style>; put the condition on the class attribute instead")
            styled.add(n)
        glued = piece.kind == "show" and out and not out[-1][-1:].isspace()
        form = {"text": "<!--{}-->", "tag": "{}" if glued else " {} "}.get(state.where, "{}")
        out.append(form.format(f"qzj{n}jzq"))
    return "".join(out), marks, styled


def _attributes(span: list[Piece], name: str) -> Piece:
    """Attributes under a condition, as one mark: an inliner would take them out of their condition."""
    text = "".join(p.text for p in span)
    inside = _State("tag")
    for piece in span:
        inside.read(piece.text if piece.kind == "data" else "")
    if inside.where != "tag" or "style=" in text:
        raise BadTemplate(f"{name}, line {span[0].line}: {span[0].text} must hold whole attributes other than style; "
                          f"put the condition inside the attribute's value")
    return Piece("tag", text, span[0].words, span[0].line)


class _State:
    """Where in a page the reading stands: text, tag, value, comment, or the name of a raw element."""

    _RAW = ("style", "script", "title", "textarea")

    def __init__(self, where: str = "text") -> None:
        self.where, self._until, self._name = where, "", ""

    def read(self, text: str) -> None:
        i = 0
        while i < len(text):
            i = getattr(self, f"_in_{self.where}", self._in_other)(text, i)

    def _in_text(self, text: str, i: int) -> int:
        opening = re.compile(r"<(!--|/?[a-zA-Z][\w-]*|!)").search(text, i)
        if not opening:
            return len(text)
        self.where, self._until = ("comment", "-->") if opening[1] == "!--" else ("tag", "")
        self._name = opening[1].lower()
        return opening.end()

    def _in_tag(self, text: str, i: int) -> int:
        stop = re.compile(r"[\"'>]").search(text, i)
        if not stop:
            return len(text)
        if stop[0] != ">":
            self.where, self._until = "value", stop[0]
        elif self._name in self._RAW:
            self.where, self._until = self._name, f"</{self._name}"
        else:
            self.where = "text"
        return stop.end()

    def _in_other(self, text: str, i: int) -> int:
        end = text.lower().find(self._until, i)
        if end < 0:
            return len(text)
        after = end + len(self._until)
        self.where, self._name = {"value": ("tag", self._name), "comment": ("text", "")}.get(self.where, ("tag", "/"))
        return after


_MARK = re.compile(r"<!--qzj(\d+)jzq-->| ?\bqzj(\d+)jzq=\"\"|qzj(\d+)jzq")
_LITERAL = re.compile(r"\{(?=[{%#])")


def _numbers(page: str) -> list[int]:
    return [int(next(filter(None, m.groups()))) for m in _MARK.finditer(page)]


def _unmask(page: str, marks: dict[int, Piece]) -> str:
    page = _LITERAL.sub("{{ '{' }}", page)
    return _MARK.sub(lambda m: (" " if m[0][0] == " " else "") + marks[int(next(filter(None, m.groups())))].text, page)


def inline(items: list[Piece], name: str) -> str:
    """Jinja source of the page with the rules of its <style> on its elements; media queries stay.

    A page without a <style> comes back as it was written. Raises BadTemplate where a tag would be lost.
    """
    if not any(p.kind == "data" and "<style" in p.text.lower() for p in items):
        return "".join(p.text for p in items)
    page, marks, styled = mask(items, name)
    inliner = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)
    done = inliner.inline(page)
    if "<tbody" not in page.lower():
        # The parser adds <tbody>; inside a loop it would open once per row and close once.
        done = re.sub(r"</?tbody>", "", done)
    left = [n for n in _numbers(done) if n not in styled]
    lost = next((n for n in marks if n not in styled and left.count(n) != 1), None)
    if lost is not None or left != sorted(left):
        piece = marks[lost if lost is not None else next(a for a, b in zip(left, sorted(left)) if a != b)]
        raise BadTemplate(f"{name}, line {piece.line}: {piece.text} stands where HTML cannot keep it; put it between elements or inside an attribute's value")
    return _unmask(done, marks)


def text_of(items: list[Piece], name: str) -> str:
    """Jinja source of the text part: what the page says, its links in brackets."""
    page, marks, _ = mask(items, name)
    tags = frozenset(n for n, p in marks.items() if p.kind == "tag")
    return _unmask(plain_text(page, tags), marks)
