"""Jinja's compiler as messages use it: each part is one text, and a value is written out once however often it is printed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, missing
from jinja2.visitor import NodeTransformer

from connectors.sandbox import Environment

__all__ = ["PART", "Constants", "Row", "Values", "WrittenOut", "checked", "function", "prints_more"]

#: The line number that tells a part from an {% autoescape %} that an author wrote.
PART = 0
#: Names that mean something else inside a loop or a macro.
_INNER = frozenset({"loop", "caller", "varargs", "kwargs", "self"})


class Values(dict):
    """The variables of one print; what is absent is Jinja's own `missing`."""

    __slots__ = ()

    def __missing__(self, name: str) -> Any:
        return missing


class Row(Context):
    """A Jinja context that starts in 1 µs: no blocks, no globals to merge, look-ups without a Python call."""

    def __init__(self, env: Environment, values: Values):
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


class Constants(NodeTransformer):
    """Writes known values into the tree, so that the compiler prints them as if they had been typed."""

    def __init__(self, values: Mapping[str, Any], tree: nodes.Template):
        stored = {n.name for n in tree.find_all(nodes.Name) if n.ctx != "load"}
        self.values = {name: value for name, value in values.items() if name not in stored}

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


class WrittenOut(NodeTransformer):
    """Prints of a row's variable become prints of its text, which the function makes once; `used` says of which.

    Escaping the same name six times costs more than all else that a page does with it.
    """

    def __init__(self, variables: Iterable[str], tree: nodes.Template):
        self.variables = frozenset(variables) - _named(tree) - _INNER
        self.used: dict[str, tuple[str, bool]] = {}
        self._escape: bool | None = None

    def visit_ScopedEvalContextModifier(self, part: nodes.ScopedEvalContextModifier) -> nodes.Node:
        before, value = self._escape, part.options[0].value
        self._escape = value.value if isinstance(value, nodes.Const) else None
        self.generic_visit(part)
        self._escape = before
        return part

    def visit_Output(self, out: nodes.Output) -> nodes.Output:
        if self._escape is not None:
            out.nodes = [self._text(shown) for shown in out.nodes]
        return self.generic_visit(out)

    def _text(self, shown: nodes.Expr) -> nodes.Expr:
        if not isinstance(shown, nodes.Name) or shown.name not in self.variables:
            return shown
        name = f"{'html' if self._escape else 'text'}_{shown.name}"
        self.used[name] = (shown.name, bool(self._escape))
        return _internal(name, shown.lineno)


def _named(tree: nodes.Template) -> set[str]:
    """What the tree itself gives a name to."""
    found = {n.name for n in tree.find_all(nodes.Name) if n.ctx != "load"}
    found |= {n.name for n in tree.find_all(nodes.Macro)} | {n.target for n in tree.find_all(nodes.Import)}
    return found | {n if isinstance(n, str) else n[1] for made in tree.find_all(nodes.FromImport) for n in made.names}


def _internal(name: str, line: int) -> nodes.InternalName:
    made = object.__new__(nodes.InternalName)  # as Jinja's parser makes them
    nodes.Node.__init__(made, name, lineno=line)
    return made


class _Generator(CodeGenerator):
    """Gathers each part in a list and yields it whole, sets its escaping once, and writes values out at the start."""

    def __init__(self, env: Environment, used: Mapping[str, tuple[str, bool]]):
        super().__init__(env, None, "<template>")
        self.used = used

    def write_commons(self) -> None:
        super().write_commons()
        for name, (variable, escaped) in self.used.items():
            self.writeline(f"{name} = environment.{'as_html' if escaped else 'as_text'}(resolve({variable!r}))")

    def visit_ScopedEvalContextModifier(self, part: nodes.ScopedEvalContextModifier, frame: Frame) -> None:
        if part.lineno != PART:
            return super().visit_ScopedEvalContextModifier(part, frame)
        before = frame.eval_ctx.save()
        self.visit_EvalContextModifier(part, frame)
        self.buffer(frame)
        for child in part.body:
            self.visit(child, frame)
        self.writeline(f"yield concat({frame.buffer})")
        frame.buffer = None
        frame.eval_ctx.revert(before)

    def _output_child_pre(self, shown: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if not isinstance(shown, nodes.InternalName):
            super()._output_child_pre(shown, frame, finalize)

    def _output_child_post(self, shown: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if not isinstance(shown, nodes.InternalName):
            super()._output_child_post(shown, frame, finalize)


def function(env: Environment, tree: nodes.Template, used: Mapping[str, tuple[str, bool]] | None = None) -> Any:
    """The tree as a generator function of a `Row`, which yields the parts."""
    tree.set_environment(env)
    generator = _Generator(env, used or {})
    generator.visit(tree)
    code = compile(generator.stream.getvalue(), "<template>", "exec")
    return env.template_class.from_code(env, code, {}).root_render_func


def prints_more(tree: nodes.Template) -> bool:
    """Whether anything is printed but fixed text and variables written out."""
    fixed = (nodes.TemplateData, nodes.Const, nodes.InternalName)
    return any(not isinstance(shown, fixed) for out in tree.find_all(nodes.Output) for shown in out.nodes)


def checked(tree: nodes.Template) -> nodes.Template:
    """The tree with every print checked for None."""
    for out in tree.find_all(nodes.Output):
        out.nodes = [n if isinstance(n, nodes.TemplateData) else _check(n) for n in out.nodes]
    return tree


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
