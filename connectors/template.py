"""Templates at the speed of bare Jinja: one compiled function prints every part of a message."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateSyntaxError, meta, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, missing

from connectors.layout import BadTemplate, Read, flatten, inline, text_of
from connectors.sandbox import Empty, Environment, Unfilled

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


def parts_of(env: Environment, head: Mapping[str, str], body: str, name: str, read: Read, html: bool) -> list[Part]:
    """The parts of a message: its head fields, then its body; an HTML body gives html, and the text derived from it.

    Raises BadTemplate.
    """
    items = flatten(env, body, name, read)
    for piece in items:
        if piece.word in ("import", "from") and piece.words[-2:] == ("with", "context"):
            raise BadTemplate(f"{name}, line {piece.line}: {piece.text}: give the macro its values as arguments instead")
    scoped = any(p.kind == "tag" and p.word in ("set", "import", "from", "macro") for p in items)
    parts = [Part(field, source) for field, source in head.items()]
    if not html:
        return [*parts, Part("text", "".join(p.text for p in items), scoped=scoped)]
    page, text = inline(items, name), _IMPORT.sub(r"\1text:", text_of(items, name))
    used = variables_of(env, [page, text], name) & {"subject", "preheader", "sender"}
    sets = "".join(f"{{% set {f} %}}{head.get(f, '')}{{% endset %}}" for f in sorted(used))
    return [*parts, Part("html", sets + page, True, scoped), Part("text", sets + text, False, scoped)]


def variables_of(env: Environment, sources: Sequence[str], name: str) -> frozenset[str]:
    """The variables that the sources take from the row. Raises BadTemplate where one does not parse."""
    try:
        return frozenset().union(*(meta.find_undeclared_variables(env.parse(source)) for source in sources))
    except TemplateSyntaxError as error:
        raise BadTemplate(f"{name}, line {error.lineno}: {error.message}") from None


class _Generator(CodeGenerator):
    """Jinja's compiler, save that a part sets its escaping once: saving and restoring it cost 1 µs a part."""

    def visit_ScopedEvalContextModifier(self, node: nodes.ScopedEvalContextModifier, frame: Frame) -> None:
        if node.lineno != _PART:
            return super().visit_ScopedEvalContextModifier(node, frame)
        before = frame.eval_ctx.save()
        self.visit_EvalContextModifier(node, frame)
        for child in node.body:
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

    def __init__(self, env: Environment, parts: Sequence[Part], name: str):
        self.env, self.name, self._parts = env, name, tuple(parts)
        self.names = tuple(part.name for part in parts)
        self.variables = variables_of(env, [part.source for part in parts], name)
        tree = self._tree()
        called = {n.name for n in tree.find_all(nodes.Name)} & set(env.globals)
        self._globals = {n: env.globals[n] for n in called}
        self._wanted = tuple((v, Empty(name=v)) for v in sorted(self.variables))
        self._print = self._function(tree)
        self._print_strictly: Any = None

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
        body: list[nodes.Node] = []
        for i, part in enumerate(self._parts):
            if i:
                body.append(nodes.Output([nodes.TemplateData(_SEPARATOR, lineno=1)], lineno=1))
            escape = nodes.Keyword("autoescape", nodes.Const(part.escape, lineno=1), lineno=1)
            inside = nodes.ScopedEvalContextModifier([escape], self.env.parse(part.source).body, lineno=_PART)
            body.append(nodes.Scope([inside], lineno=1) if part.scoped else inside)
        tree = nodes.Template(body, lineno=1)
        tree.set_environment(self.env)
        return tree

    def _function(self, tree: nodes.Template) -> Any:
        self.env.code_generator_class = _Generator
        try:
            code = self.env.compile(tree, None, "<template>")
        except TemplateSyntaxError as error:
            raise BadTemplate(f"{self.name}: {error.message}") from None
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
