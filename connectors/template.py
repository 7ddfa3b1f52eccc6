"""Templates at the speed of bare Jinja: one compiled function prints every part of a message."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import meta, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, missing
from jinja2.visitor import NodeTransformer

from connectors.layout import BadTemplate, Read, flatten
from connectors.page import inline, text_of
from connectors.sandbox import Empty, Environment
from connectors.wording import FILTERS, READS

__all__ = ["Compiled", "Part", "parts_of"]

#: Stands between two parts of one print; a value that holds it is printed without it.
_SEPARATOR = "\x1e"
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


class _Constants(NodeTransformer):
    """Writes known values into the tree, so that the compiler prints them as if they had been typed."""

    def __init__(self, values: Mapping[str, Any]):
        self.values = values

    def visit_Name(self, found: nodes.Name) -> nodes.Expr:
        return self._constant(found, found.name, self.values)

    def visit_Getattr(self, found: nodes.Getattr) -> nodes.Expr:
        return self._constant(found, found.attr, self._mapping(found.node))

    def _mapping(self, base: nodes.Node) -> Any:
        if isinstance(base, nodes.Name):
            return self.values.get(base.name)
        above = self._mapping(base.node) if isinstance(base, nodes.Getattr) else None
        return above.get(base.attr) if type(above) is dict else None

    def _constant(self, found: nodes.Expr, name: str, values: Any) -> nodes.Expr:
        # Only what prints as it is: a None must still be refused, a list is walked at run time.
        value = values.get(name) if type(values) is dict else None
        if found.ctx == "load" and type(value) in (str, int, float, bool):
            return nodes.Const(value, lineno=found.lineno)
        return self.generic_visit(found)


class _Generator(CodeGenerator):
    """Jinja's compiler, save that a part sets its escaping once: saving and restoring it cost 1 µs a part."""

    def visit_ScopedEvalContextModifier(self, part: nodes.ScopedEvalContextModifier, frame: Frame) -> None:
        if part.lineno != _PART:
            return super().visit_ScopedEvalContextModifier(part, frame)
        before = frame.eval_ctx.save()
        self.visit_EvalContextModifier(part, frame)
        for child in part.body:
            self.visit(child, frame)
        frame.eval_ctx.revert(before)


#: The line number that tells a part from an {% autoescape %} that an author wrote.
_PART = 0


class _Values(dict):
    """The variables of one print; what is absent is Jinja's own `missing`."""

    __slots__ = ()

    def __missing__(self, name: str) -> Any:
        return missing


class _Row(Context):
    """A Jinja context that starts in 1 µs: no blocks, no globals to merge, look-ups without a Python call."""

    def __init__(self, env: Environment, values: _Values):
        self.environment, self.parent, self.vars = env, values, {}
        self.name, self.blocks, self.exported_vars, self.globals_keys = None, {}, set(), set()
        self.eval_ctx = EvalContext(env)
        self.resolve_or_missing = values.__getitem__

    def __getitem__(self, name: str) -> Any:
        """For filters that read the context: what a {% set %} said, else the row."""
        value = self.vars[name] if name in self.vars else self.parent[name]
        if value is missing:
            raise KeyError(name)
        return value


class Compiled:
    """Parts compiled to one function. `names` are theirs in order, `variables` what they take from a row."""

    def __init__(self, env: Environment, parts: Sequence[Part], name: str, constants: Mapping[str, Any] | None = None):
        self.env, self.name, self._parts, self._constants = env, name, tuple(parts), dict(constants or {})
        self.names = tuple(part.name for part in parts if not part.fixed)
        tree = self._tree()
        self.variables = _variables(tree) - set(self._constants)
        called = {n.name for n in tree.find_all(nodes.Name)} & set(env.globals)
        self._globals = {n: env.globals[n] for n in called} | self._constants
        self._wanted = tuple((v, Empty(name=v)) for v in sorted(self.variables))
        self._print = self._function(tree)
        self._print_strictly: Any = None

    def bind(self, constants: Mapping[str, Any]) -> Compiled:
        """The same parts compiled again for values that a whole batch shares; these win over the row's."""
        return Compiled(self.env, self._parts, self.name, self._constants | dict(constants))

    def parts(self, row: Mapping[str, Any]) -> list[str]:
        """The texts in the order of `names`. Raises Unfilled, or what a filter raises."""
        values = _Values(self._globals)
        for name, empty in self._wanted:
            if name in row:
                value = row[name]
                values[name] = empty if value is None else value
        text = "".join(self._print(_Row(self.env, values)))
        # A None inside a mapping would be printed as a word: rare, so it is looked for once in the whole print.
        if "None" in text:
            text = "".join(self._strictly()(_Row(self.env, values)))
        cut = text.split(_SEPARATOR)
        if len(cut) != len(self.names):
            return self.parts({k: v.replace(_SEPARATOR, "") if isinstance(v, str) else v for k, v in row.items()})
        return cut

    def _tree(self) -> nodes.Template:
        between = nodes.Output([nodes.TemplateData(_SEPARATOR)])
        body: list[nodes.Node] = []
        for part in self._parts:
            if not part.fixed and part.name != self.names[0]:
                body.append(between)
            body.append(self._section(part))
        tree = nodes.Template(body, lineno=1)
        for made in tree.find_all(nodes.Node):
            made.lineno = made.lineno or 1
        for made in body:
            made.lineno = _PART
        if self._constants:
            stored = {n.name for n in tree.find_all(nodes.Name) if n.ctx != "load"}
            tree = _Constants({k: v for k, v in self._constants.items() if k not in stored}).visit(tree)
        tree.set_environment(self.env)
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

    def _function(self, tree: nodes.Template) -> Any:
        self.env.code_generator_class = _Generator
        code = self.env.compile(tree, None, "<template>")
        return self.env.template_class.from_code(self.env, code, {}).root_render_func

    def _strictly(self) -> Any:
        """The same parts, with every print checked for None; compiled at the first suspicion."""
        if self._print_strictly is None:
            tree = self._tree()
            for out in tree.find_all(nodes.Output):
                out.nodes = [n if isinstance(n, nodes.TemplateData) else _check(n) for n in out.nodes]
            tree.set_environment(self.env)
            self._print_strictly = self._function(tree)
        return self._print_strictly


def _check(shown: nodes.Expr) -> nodes.Expr:
    base = _base(shown)
    return nodes.Filter(shown, "_shown", [nodes.Const(_label(base)), base], [], None, None, lineno=shown.lineno)


def _base(shown: nodes.Expr) -> nodes.Expr:
    """The variable that a print begins with, under its filters."""
    if isinstance(shown, (nodes.Name, nodes.Getattr)):
        return shown
    inner = next(shown.iter_child_nodes(), None)
    return _base(inner) if isinstance(inner, nodes.Expr) else shown


def _label(base: nodes.Expr) -> str:
    if isinstance(base, nodes.Getattr):
        return f"{_label(base.node)}.{base.attr}"
    return base.name if isinstance(base, nodes.Name) else "?"
