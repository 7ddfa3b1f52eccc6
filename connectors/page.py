"""A page made ready once: its Jinja tags masked, its CSS put on its elements, its text derived."""

from __future__ import annotations

import re
from collections import Counter
from copy import copy

import css_inline

from connectors.layout import BadTemplate, Piece, end_of
from connectors.plaintext import plain_text

__all__ = ["inline", "mask", "text_of"]


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
        if state.where in ("tag", "value") and piece.word in ("if", "for"):
            end = end_of(items, i, name)
            piece = _within(items[i : end + 1], state, name)
            for _ in range(end - i):
                next(rest)
        n = len(marks)
        marks[n] = piece
        if state.where == "style":
            if piece.kind == "tag":
                raise BadTemplate(f"{name}, line {piece.line}: {piece.text} stands in a <style>; "
                                  f"put the condition on the class attribute instead")
            styled.add(n)
        glued = piece.kind == "show" and out and not out[-1][-1:].isspace()
        form = {"text": "<!--{}-->", "tag": "{}" if glued else " {} "}.get(state.where, "{}")
        out.append(form.format(f"qzj{n}jzq"))
    return "".join(out), marks, styled


def _within(span: list[Piece], state: _State, name: str) -> Piece:
    """A condition inside a tag as one mark: an inliner moves attributes, and must not take them out of it."""
    text = "".join(p.text for p in span)
    inside = copy(state)
    for piece in span:
        inside.read(piece.text if piece.kind == "data" else "")
    if inside.where != state.where or (state.where == "tag" and "style=" in text):
        raise BadTemplate(f"{name}, line {span[0].line}: {span[0].text} must hold whole attributes other than style; "
                          f"put the condition inside the attribute's value")
    return Piece("tag", text, span[0].words, span[0].line)


class _State:
    """Where in a page the reading stands: text, tag, value, comment, or the name of a raw element."""

    _RAW = ("style", "script", "title", "textarea")

    def __init__(self) -> None:
        self.where, self._until, self._name = "text", "", ""

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
_BETWEEN = re.compile(r"<!--qzj(\d+)jzq-->")
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
    left = Counter(_numbers(done))
    lost = [n for n in marks if n not in styled and left[n] != 1]
    between = [[int(n) for n in _BETWEEN.findall(text)] for text in (page, done)]
    moved = [n for n, m in zip(*between) if n != m]
    if lost or moved:
        piece = marks[(lost or moved)[0]]
        raise BadTemplate(f"{name}, line {piece.line}: {piece.text} stands where HTML cannot keep it; "
                          f"put it between elements or inside an attribute's value")
    return _unmask(done, marks)


def text_of(items: list[Piece], name: str) -> str:
    """Jinja source of the text part: what the page says, its links in brackets."""
    page, marks, _ = mask(items, name)
    tags = frozenset(n for n, p in marks.items() if p.kind == "tag")
    return _unmask(plain_text(page, tags), marks)
