"""Templates at the speed of bare Jinja: one compiled function prints every part of a message."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import FunctionLoader, StrictUndefined, TemplateSyntaxError, UndefinedError, meta, nodes
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from connectors.layout import BadTemplate, Piece, Read, flatten, inline, text_of
from connectors.wording import FILTERS

__all__ = ["Compiled", "Environment", "Unfilled", "assemble", "variables_of"]

#: Between two parts of one print; a value that holds it is printed without it.
SEPARATOR = "\x1e"
_IMPORT = re.compile(r"""(\{%-?\s*(?:import|from)\s+["'])""")


class Unfilled(UndefinedError):
    """A variable that a message prints has no value."""

    def __init__(self, variable: str):
        super().__init__(variable)
        self.variable = variable


class _Absent(StrictUndefined):
    """A variable that the row does not have: an error however it is used, save in `is defined` and `default`."""

    __slots__ = ()

    def _fail_with_undefined_error(self, *args: Any, **kwargs: Any) -> Any:
        raise Unfilled(self._undefined_name or "?")

    __str__ = __len__ = __iter__ = __eq__ = __ne__ = __bool__ = __hash__ = __contains__ = _fail_with_undefined_error
    __html__ = __add__ = __radd__ = __mod__ = __call__ = __getitem__ = __lt__ = __gt__ = _fail_with_undefined_error

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._fail_with_undefined_error()


class _Empty(_Absent):
    """A variable without a value: it may be tested and given a fall-back, never printed."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, _Empty)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Any:
        return iter(())

    def __hash__(self) -> int:
        return 0


class Environment(ImmutableSandboxedEnvironment):
    """Jinja without access to anything but the values given, and with errors that name the variable."""

    def __init__(self, load: Read):
        def source(name: str) -> str:
            # A macro used in the text part is read as text too.
            plain = name.removeprefix("text:")
            return load(name) if plain == name else text_of(flatten(self, load(plain), plain, load), plain)

        super().__init__(loader=FunctionLoader(source), autoescape=lambda name: not (name or "").startswith("text:"),
                         undefined=_Absent, keep_trailing_newline=True)
        self.filters |= FILTERS
        self.tests["none"] = lambda value: value is None or isinstance(value, _Empty)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A dictionary's key before its methods: a product may well have `items`."""
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


def assemble(env: Environment, head: Mapping[str, str], body: str, name: str, read: Read, html: bool) -> tuple[str, list[str]]:
    """One Jinja source that prints all parts with a separator between, and the names of the parts in order.

    An HTML body gives two parts, html (escaped) and text (derived from it, not escaped).
    """
    items = _pieces(env, body, name, read)
    parts = dict(head)
    if not html:
        bodies = {"text": _plain("".join(p.text for p in items))}
    else:
        page = inline(items, name)
        text = _IMPORT.sub(r"\1text:", text_of(items, name))
        used = variables_of(env, [page, text], name) & {"subject", "preheader", "sender"}
        sets = "".join(f"{{% set {f} %}}{head.get(f, '')}{{% endset %}}" for f in sorted(used))
        bodies = {"html": f"{{% autoescape true %}}{sets}{page}{{% endautoescape %}}", "text": _plain(sets + text)}
    sources = [_plain(source) for source in parts.values()] + list(bodies.values())
    return SEPARATOR.join(sources), [*parts, *bodies]


def _pieces(env: Environment, body: str, name: str, read: Read) -> list[Piece]:
    items = flatten(env, body, name, read)
    for piece in items:
        if piece.kind == "tag" and piece.word in ("import", "from") and piece.words[-2:] == ("with", "context"):
            raise BadTemplate(f"{name}, line {piece.line}: {piece.text}: give the macro its values as arguments, not `with context`")
    return items


def _plain(source: str) -> str:
    return f"{{% autoescape false %}}{source}{{% endautoescape %}}"


def variables_of(env: Environment, sources: Sequence[str], name: str) -> frozenset[str]:
    """The variables that the sources take from the row. Raises BadTemplate where one does not parse."""
    try:
        return frozenset().union(*(meta.find_undeclared_variables(env.parse(source)) for source in sources))
    except TemplateSyntaxError as error:
        raise BadTemplate(f"{name}, line {error.lineno}: {error.message}") from None


class Compiled:
    """A source compiled to one function; `parts(row)` prints it and cuts it."""

    def __init__(self, env: Environment, source: str, names: Sequence[str], name: str):
        self.env, self.names = env, tuple(names)
        self.variables = variables_of(env, [source], name)
        self._source, self._name = source, name
        self._template = env.from_string(source)
        self._root = self._template.root_render_func
        self._globals = dict(env.globals)
        self._wanted = tuple(sorted(self.variables))
        self._empty = {v: _Empty(name=v) for v in self.variables}
        self._strict: Any = None

    def parts(self, row: Mapping[str, Any]) -> list[str]:
        """The parts in the order of `names`. Raises Unfilled, or what a filter raises."""
        values = self._values(row)
        text = "".join(self._root(Context(self.env, values, None, {})))
        # A None inside a mapping would be printed as a word: rare, so it is looked for once in the whole print.
        if "None" in text:
            text = "".join(self._shown()(Context(self.env, values, None, {})))
        cut = text.split(SEPARATOR)
        if len(cut) != len(self.names):
            cut = self.parts({k: v.replace(SEPARATOR, "") if isinstance(v, str) else v for k, v in row.items()})
        return cut

    def _values(self, row: Mapping[str, Any]) -> dict[str, Any]:
        values = dict(self._globals)
        for name in self._wanted:
            if name in row:
                value = row[name]
                values[name] = self._empty[name] if value is None else value
        return values

    def _shown(self) -> Any:
        """The same source, with every print checked for None; compiled at the first suspicion."""
        if self._strict is None:
            tree = self.env.parse(self._source)
            for out in tree.find_all(nodes.Output):
                out.nodes = [n if isinstance(n, nodes.TemplateData) else _check(n) for n in out.nodes]
            env = self.env.overlay()
            env.filters = {**env.filters, "_shown": _shown}
            tree.set_environment(env)
            namespace = env.from_string("").globals
            code = env.compile(tree, self._name, self._name)
            self._strict = env.template_class.from_code(env, code, namespace).root_render_func
        return self._strict


def _check(shown: nodes.Expr) -> nodes.Expr:
    base = _base(shown)
    label = nodes.Const(_label(base))
    return nodes.Filter(shown, "_shown", [label, base], [], None, None, lineno=shown.lineno)


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


def _shown(value: Any, label: str, base: Any) -> Any:
    if value is None or (base is None and value == "None"):
        raise Unfilled(label)
    return value
