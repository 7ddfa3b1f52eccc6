"""The laws of the house: who imports whom, how long things may be, how they are named."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

#: What each package may import beyond the standard library and itself. None: anything.
MAY_IMPORT = {
    "marketing": {"pydantic", "numpy", "scipy", "phonenumbers", "email_validator", "holidays"},
    "chains": {"marketing"},
    "connectors": {"marketing", "jinja2", "markupsafe", "pydantic", "css_inline", "plutoprint", "pyarrow", "numpy",
                   "scipy"},
    "warehouse": {"marketing", "duckdb", "sqlalchemy", "alembic", "pyarrow", "numpy", "boto3", "botocore"},
    "inbound": {"marketing", "connectors", "warehouse", "fastapi", "starlette", "jinja2", "pydantic", "itsdangerous"},
    "outbox": {"marketing", "warehouse", "connectors", "sqlalchemy", "pyarrow", "numpy"},
    "reports": {"marketing", "warehouse", "jinja2", "markupsafe", "matplotlib", "numpy", "pyarrow"},
    "tasks": {"prefect", "pydantic", "marketing", "warehouse", "connectors", "outbox", "reports", "jinja2"},
    "flows": {"prefect", "chains", "tasks", "marketing"},
    "demo": None,
    "benchmarks": None,
    "tests": None,
}
#: The command line and the one composition root may import everything.
FREE = ("flows/cli/", "flows/wiring.py")
#: They read the environment; a failpoint does so that a proof can kill any process of the house.
SETTINGS = (*FREE, "warehouse/failpoints.py", "tests/", "demo/", "benchmarks/")
#: What the rules may not reach for, though Python ships it: the network, processes, other state, chance.
IMPURE = {"asyncio", "ctypes", "ftplib", "http", "imaplib", "multiprocessing", "os", "poplib", "random", "secrets",
          "shelve", "signal", "smtplib", "socket", "sqlite3", "ssl", "subprocess", "threading", "urllib"}
#: One noun per thing: docs/glossary.md has the words to use instead.
FORBIDDEN_WORDS = {"blacklist", "blast", "helper", "job", "manager", "node", "processor", "user", "util"}
#: They bring a second SQLite beside the ledger's, or fall behind DuckDB.
FORBIDDEN_LIBRARIES = ("adbc" + "_driver_sqlite", "sqlite" + "_scanner", "duckdb" + "_engine")


def tracked() -> list[Path]:
    """The files of the repository, or of the folder where there is none: those of git and those not yet in it."""
    listing = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                             cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode == 0:
        found = [ROOT / name for name in listing.stdout.split("\0") if name]
    else:
        ours = [ROOT / name for name in (*MAY_IMPORT, "docs", ".ci")]
        found = [path for folder in ours for path in folder.rglob("*")] + list(ROOT.glob("*.*"))
    return sorted(path for path in found if path.is_file() and "__pycache__" not in path.parts)


FILES = tracked()
MODULES = [path for path in FILES if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in MAY_IMPORT]
TREES = {path: ast.parse(path.read_text(encoding="utf-8"), str(path)) for path in MODULES}


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def package(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


def imports(tree: ast.Module) -> set[str]:
    """The top-level names that a module imports, wherever in it, for its own use or for the types alone."""
    found = set()
    for part in ast.walk(tree):
        if isinstance(part, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in part.names}
        elif isinstance(part, ast.ImportFrom) and not part.level:
            found.add(part.module.partition(".")[0])
    return found


def functions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [part for part in ast.walk(tree) if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)]


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body, its docstring apart."""
    body = function.body[ast.get_docstring(function) is not None:]
    return function.end_lineno - body[0].lineno + 1 if body else 0


def decorated(function: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> bool:
    made_by = [part.func if isinstance(part, ast.Call) else part for part in function.decorator_list]
    return any(getattr(part, "id", getattr(part, "attr", None)) == name for part in made_by)


def hold(broken: Iterable[str]) -> None:
    """Fail with every breach on a line of its own."""
    assert not broken, "\n" + "\n".join(sorted(broken))


def distribution(name: str) -> str:
    return re.split(r"[\s<>=!~;\[]", name, maxsplit=1)[0].lower().replace("_", "-")


def test_layers():
    """No package imports what stands above it, nor a library that is not its business."""
    broken = []
    for path, tree in TREES.items():
        allowed = MAY_IMPORT[package(path)]
        if allowed is None or named(path).startswith(FREE):
            continue
        strangers = imports(tree) - allowed - set(sys.stdlib_module_names) - {package(path)}
        broken += [f"{named(path)} imports {name}" for name in sorted(strangers)]

    hold(broken)


def test_only_the_top_knows_the_demonstration():
    """Nothing that is installed depends on tests, benchmarks or the demonstration."""
    apart = {"tests", "benchmarks", "demo"}

    hold([named(path) for path, tree in TREES.items() if package(path) not in apart and imports(tree) & apart])


def test_rules_are_pure():
    """The rules and the chains reach for no network, process, environment, clock or chance."""
    broken = []
    for path, tree in TREES.items():
        if package(path) in ("marketing", "chains"):
            broken += [f"{named(path)} imports {name}" for name in sorted(imports(tree) & IMPURE)]
            broken += [f"{named(path)}:{part.lineno} asks for the time: take it as an argument"
                       for part in ast.walk(tree) if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute)
                       and part.func.attr in ("now", "utcnow", "today", "time_ns", "perf_counter")]

    hold(broken)


def test_environment_is_read_at_the_top():
    """Settings enter once: only the command line, the wiring and what is run by hand read the environment."""
    broken = [f"{named(path)}:{part.lineno}" for path, tree in TREES.items()
              if not named(path).startswith(SETTINGS) for part in ast.walk(tree) if isinstance(part, ast.Attribute) and part.attr in ("environ", "getenv")
              and isinstance(part.value, ast.Name) and part.value.id == "os"]

    hold(broken)


def test_modules_are_short():
    """A module has fewer than 300 lines."""
    long = {named(path): path.read_text(encoding="utf-8").count("\n") for path in MODULES}

    hold([f"{name} has {lines} lines" for name, lines in long.items() if lines >= 300])


def test_functions_are_short():
    """A flow has fewer than 60 lines, a task 15, any other function 45, docstrings apart."""
    long = []
    for path, tree in TREES.items():
        for function in functions(tree):
            limit = 60 if decorated(function, "flow") else 15 if decorated(function, "task") else 45
            if length(function) >= limit:
                long.append(f"{named(path)}:{function.lineno} {function.name} has {length(function)} lines of {limit - 1}")

    hold(long)


def test_modules_say_what_they_are():
    """Every module opens with a docstring whose first line is a sentence."""
    told = {named(path): (ast.get_docstring(tree) or "").partition("\n")[0] for path, tree in TREES.items()}

    hold([f"{name} opens with {line!r}" for name, line in told.items() if not line.endswith((".", "?", "!"))])


def test_statements_open_with_their_grain():
    """Every .sql opens with a comment that says what one row is: "-- One row per contact and step."."""
    openings = {}
    for path in FILES:
        if path.suffix == ".sql":
            text = path.read_text(encoding="utf-8")
            openings[named(path)] = re.match(r"(?:\s*--[^\n]*\n)*", text).group()

    hold([name for name, opening in openings.items() if "-- One row" not in opening])


def test_no_flow_module_hides_a_package():
    """Prefect loads flows/<stem>.py as <stem>: it may bear the name of no package, ours or Python's."""
    taken = set(MAY_IMPORT) | set(sys.stdlib_module_names) | set(packages_distributions())

    hold([named(path) for path in MODULES if path.parent == ROOT / "flows"
            and path.stem != "__init__" and path.stem in taken])


def test_names():
    """Modules, classes, functions and their arguments use the words of the glossary."""
    broken = []
    for path, tree in TREES.items():
        told = [(path.stem, 1)]
        for part in ast.walk(tree):
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                told.append((part.name, part.lineno))
            elif isinstance(part, ast.arg):
                told.append((part.arg, part.lineno))
        for name, line in told:
            words = {word.lower().rstrip("s") for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}
            broken += [f"{named(path)}:{line} {name} says {word!r}" for word in sorted(words & FORBIDDEN_WORDS)]

    hold(broken)


def test_nothing_is_put_off():
    """No file promises what it does not do yet."""
    words = re.compile("TO" + r"DO\b|FIX" + r"ME\b|\bfor no" + r"w\b(?! in\b|,)")

    hold([f"{named(path)}: {found.group()}" for path in MODULES for found in words.finditer(path.read_text("utf-8"))])


def test_libraries_that_corrupt():
    """No library brings a second SQLite beside the ledger's, and no DuckDB extension is downloaded."""
    sources = [path for path in FILES if path.suffix in (".py", ".sql", ".toml", ".txt")]
    words = re.compile("|".join(FORBIDDEN_LIBRARIES) + r"|\binstall_extension\b|^\s*INSTALL\s+\w+\s*;", re.MULTILINE)

    hold([named(path) for path in sources if path != Path(__file__)
            and words.search(path.read_text(encoding="utf-8"))])


def test_nothing_of_one_machine():
    """No file names a folder of one machine, or the host of a package registry."""
    words = re.compile("|".join([r"(?<![\w.$}/-])/(?:work|root|home/\w+|opt)/\w", "py" + r"pi\.org", "python" + "hosted"]))
    broken = []
    for path in FILES:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # compressed data and images
        broken += [f"{named(path)}: {found.group()}" for found in words.finditer(text)]

    hold(broken)


def test_packages_are_listed():
    """pyproject.toml lists every package and subpackage, and none that is not there."""
    apart = ("tests", "benchmarks")
    there = {named(path.parent).replace("/", ".") for path in MODULES
             if path.name == "__init__.py" and package(path) not in apart}

    assert sorted(PROJECT["tool"]["setuptools"]["packages"]) == sorted(there)


def test_modules_are_in_packages():
    """A module stands in a package, or in a chain's folder, so that an installed copy has it."""
    apart = ("tests", "benchmarks", "chains")

    hold([named(path) for path in MODULES if package(path) not in apart
            and not (path.parent / "__init__.py").exists()])


def test_data_is_packaged():
    """Every file beside the modules has a suffix that the installed copy takes along."""
    taken = {pattern.rpartition(".")[2] for patterns in PROJECT["tool"]["setuptools"]["package-data"].values()
             for pattern in patterns}
    beside = [path for path in FILES if package(path) in MAY_IMPORT and package(path) not in ("tests", "benchmarks")]

    hold([named(path) for path in beside if path.suffix.lstrip(".") not in taken | {"py", "md"}])


@pytest.mark.parametrize("apart", [False, True], ids=["installed", "by hand"])
def test_libraries_are_declared(apart):
    """What is imported is declared: by the project, or, for tests, benchmarks and demonstration, for development."""
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    declared = {distribution(name) for name in project["dependencies"] + extras["postgres"] + extras["s3"]}
    if apart:
        declared |= {distribution(name) for name in extras["dev"]}
    by_import = packages_distributions()
    broken = set()
    for path, tree in TREES.items():
        if (package(path) in ("tests", "benchmarks", "demo")) is apart:
            for name in imports(tree) - set(sys.stdlib_module_names) - set(MAY_IMPORT):
                if not {distribution(found) for found in by_import.get(name, [name])} & declared:
                    broken.add(f"{named(path)} imports {name}")

    hold(broken)


def test_constraints_are_plain():
    """constraints.txt pins every declared library as name==version, and holds nothing else."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    project = PROJECT["project"]
    declared = {distribution(name) for names in (project["dependencies"], *project["optional-dependencies"].values())
                for name in names} - {"relance"}

    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*==[\w.!+]+", line)] == []
    assert sorted(declared - {distribution(line) for line in lines}) == []
