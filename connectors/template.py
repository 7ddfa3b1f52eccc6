"""Templates at the speed of bare Jinja: one compiled function prints every part of a message."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jinja2 import meta, nodes

from connectors.compiler import PART, Constants, Row, Values, WrittenOut, checked, function, prints_more
from connectors.layout import BadTemplate, Read, flatten
from connectors.page import inline, text_of
from connectors.sandbox import Empty, Environment
from connectors.tagging import Tagging
from connectors.wording import FILTERS, READS

__all__ = ["Compiled", "Part", "parts_of"]

#: A control character (record separator) that no page may hold: what has it is printed without it.
_UNPRINTED = "\x1e"
_IMPORT = re.compile(r"""(\{%-?\s*(?:import|from)\s+["'])""")


@dataclass(frozen=True, slots=True)
class Part:
    """One text that a message consists of: its Jinja source, and whether its values are escaped for HTML."""

    name: str
    source: str
    escape: bool = False
    #: It makes variables of its own, which the other parts must not see.
    scoped: bool = False
    #: The parts after it may print it by its name.
    kept: bool = False
    #: Its source is the text itself: kept for the others, printed by nobody.
    fixed: bool = False


def parts_of(env: Environment, head: Mapping[str, str], body: str, name: str, read: Read, html: bool) -> list[Part]:
    """The parts of a message: its head fields, then its body; an HTML body gives html, and the text derived from it.

    Fields of `head` without Jinja are no parts, unless the body prints them. Raises BadTemplate.
    """
    items = flatten(env, body, name, read)
    for piece in items:
        if piece.word in ("import", "from") and piece.words[-2:] == ("with", "context"):
            raise BadTemplate(f"{name}, line {piece.line}: {piece.text}: give the macro its values as arguments instead")
    scoped = any(p.kind == "tag" and p.word in ("set", "import", "from", "macro") for p in items)
    bodies = [Part("text", "".join(p.text for p in items), scoped=scoped)]
    if html:
        text = _IMPORT.sub(r"\1text:", text_of(items, name))
        bodies = [Part("html", inline(items, name), True, scoped), Part("text", text, False, scoped)]
    used = frozenset().union(*(_variables(env.parse(part.source)) for part in bodies)) & {*head, *_HEAD}
    return [Part(field, head.get(field, ""), kept=field in used, fixed=_is_fixed(head.get(field, "")))
            for field in [*head, *sorted(used - {*head})] if field in used or not _is_fixed(head[field])] + bodies


#: Fields that a layout may print whether or not the message has them.
_HEAD = ("subject", "preheader", "sender")


def _is_fixed(source: str) -> bool:
    return "{" not in source


def _variables(tree: nodes.Template) -> frozenset[str]:
    worded = any(f.name in FILTERS for f in tree.find_all(nodes.Filter))
    return frozenset(meta.find_undeclared_variables(tree)) | (READS if worded else frozenset())


class Compiled:
    """Parts compiled to one function. `names` are theirs in order, `variables` what they take from a row."""

    def __init__(self, env: Environment, parts: Sequence[Part], name: str, constants: Mapping[str, Any] | None = None,
                 tagging: Tagging | None = None):
        self.env, self.name, self._constants, self._tagging = env, name, dict(constants or {}), tagging
        self._parts, late = _tagged(parts, tagging, self._constants) if tagging else (tuple(parts), {})
        self.names = tuple(part.name for part in parts if not part.fixed)
        #: by the place of a text, whether it is HTML: those with links that are told only once they are printed
        self._late = [(self.names.index(name), html) for name, html in late.items()]
        tree = self._tree()
        self.variables = _variables(tree) - set(self._constants)
        called = {n.name for n in tree.find_all(nodes.Name)} & set(env.globals)
        self._globals = {n: env.globals[n] for n in called} | self._constants
        self._wanted = tuple((v, Empty(name=v)) for v in sorted(self.variables))
        written = WrittenOut(self.variables, tree)
        tree = written.visit(tree)
        self._may_say_none = prints_more(tree)
        self._print = function(env, tree, written.used)
        self._exact: dict[bool, Any] = {}

    def bind(self, constants: Mapping[str, Any], tagging: Tagging | None = None) -> Compiled:
        """The same parts compiled again for values that a whole batch shares; these win over the row's."""
        return Compiled(self.env, self._parts, self.name, self._constants | dict(constants), tagging)

    def reads(self, name: str) -> frozenset[str]:
        """The attributes that the parts read of the variable `name`: those of `params` are the wave's parameters."""
        return frozenset(found.attr for found in self._written().find_all(nodes.Getattr)
                         if isinstance(found.node, nodes.Name) and found.node.name == name)

    @property
    def marked_safe(self) -> bool:
        """Whether something is printed into a page as it is, without being escaped."""
        tree = self._written()
        return any(found.name == "safe" for found in tree.find_all(nodes.Filter)) or any(
            found.lineno != PART for found in tree.find_all(nodes.ScopedEvalContextModifier))

    def parts(self, row: Mapping[str, Any]) -> list[str]:
        """The texts in the order of `names`. Raises Unfilled, or what a filter raises."""
        texts = self._texts(row)
        for text in texts:
            if _UNPRINTED in text:
                clean = {k: v.replace(_UNPRINTED, "") if isinstance(v, str) else v for k, v in row.items()}
                texts = [text.replace(_UNPRINTED, "") for text in self._texts(clean)]
                break
        for place, html in self._late:
            texts[place] = self._tagging.printed(texts[place], html)
        return texts

    def _texts(self, row: Mapping[str, Any]) -> list[str]:
        values = Values(self._globals)
        for name, empty in self._wanted:
            if name in row:
                value = row[name]
                # A text that says nothing is a value that is missing, so that "Dear ," never leaves; written out here, since
                # a call for each would cost twice as much.
                nothing = value is None or (value.__class__ is str and (not value or value.isspace()))
                values[name] = empty if nothing else value
        try:
            texts = list(self._print(Row(self.env, values)))
        except Exception:  # whatever it was, the exact function says it in its own words
            return self._exactly(values)
        if self._may_say_none and any(_says_none(text) for text in texts):
            return self._exactly(values)
        return texts

    def _exactly(self, values: Values) -> list[str]:
        """The texts by the tree as it was written, for the rare row that needs a second look."""
        texts = list(self._plain(strict=False)(Row(self.env, values)))
        # A None inside a mapping would be printed as a word: it is looked for once in the whole print.
        if any("None" in text for text in texts):
            texts = list(self._plain(strict=True)(Row(self.env, values)))
        return texts

    def _plain(self, strict: bool) -> Any:
        """The parts as they were written, `strict` with every print checked for None; compiled when first asked for."""
        if strict not in self._exact:
            tree = self._tree()
            self._exact[strict] = function(self.env, checked(tree) if strict else tree)
        return self._exact[strict]

    def _tree(self) -> nodes.Template:
        tree = self._written()
        if self._constants:
            tree = Constants(self._constants, tree).visit(tree)
        tree.set_environment(self.env)
        return tree

    def _written(self) -> nodes.Template:
        """The parts as one tree, before anything is known."""
        body = [self._section(part) for part in self._parts]
        tree = nodes.Template(body, lineno=1)
        for made in tree.find_all(nodes.Node):
            made.lineno = made.lineno or 1
        for made in body:
            made.lineno = PART
        return tree

    def _section(self, part: Part) -> nodes.Node:
        """The part as one node: keep it if others print it, print it unless it is fixed."""
        variable = nodes.Name(part.name, "store")
        if part.fixed:
            return nodes.Assign(variable, nodes.Const(part.source))
        inside: list[nodes.Node] = self.env.parse(part.source).body
        if part.kept:
            inside = [nodes.AssignBlock(variable, None, inside), nodes.Output([nodes.Name(part.name, "load")])]
        if part.scoped:
            inside = [nodes.Scope(inside)]
        return nodes.ScopedEvalContextModifier([nodes.Keyword("autoescape", nodes.Const(part.escape))], inside)


def _tagged(parts: Sequence[Part], tagging: Tagging, values: Mapping[str, Any]) -> tuple[tuple[Part, ...], dict[str, bool]]:
    """The parts with their links tagged, and those (whether HTML) where links are left for the print.

    A text that was derived from a page has the same links; only where it stands alone is each variable in it looked at.
    """
    made, late, page = [], {}, any(part.name == "html" for part in parts)
    for part in parts:
        if part.name in ("html", "text"):
            derived = page and part.name == "text"
            source, left = tagging.source(part.source, part.escape, values, derived)
            part = replace(part, source=source)
            if left or (derived and "html" in late):
                late[part.name] = part.escape
        made.append(part)
    return tuple(made), late


def _says_none(text: str) -> bool:
    """Whether the word None is in a long text: Python looks for one letter ten times as fast as for four."""
    at = text.find("N")
    while at >= 0 and not text.startswith("None", at):
        at = text.find("N", at + 1)
    return at >= 0
