"""The checks of `relance doctor` on what an installation stands on: versions, settings, ledger, parts, key, connectors."""

import platform
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from flows.cli.bounds_checkups import ABOUT_PEOPLE
from flows.cli.findings import Finding, good, remark, wrong

__all__ = ["BEFORE", "INSIDE", "cannot_open"]

ROOT = Path(__file__).parents[2]
#: Less than this much room, and a large pass or a fold may not end.
ROOM = 1 << 30
#: Bytes that a secret needs not to be guessed.
SECRET = 32
_NAMED = re.compile(r"^([\w.-]+)(?:\[.*?\])?(.*)$")


def python(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Python is of a version that the project knows."""
    found, (accepted, _) = platform.python_version(), _required()
    if fits(found, accepted):
        yield good("Python", found)
    else:
        yield wrong("Python", f"{found}; accepted: {accepted}", "make setup PYTHON=/path/to/python3.11")


def libraries(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Every library is there, in a version that the project was tried with."""
    mend, faults, shown = f"{sys.executable} -m pip install -c constraints.txt -e .", 0, []
    for line in _required()[1]:
        name, accepted = _NAMED.match(line).groups()
        try:
            found = version(name)
        except PackageNotFoundError:
            found = None
        if found is None or not fits(found, accepted):
            faults += 1
            yield wrong("libraries", f"{name} {found or 'is not installed'}; accepted: {accepted.strip() or 'any'}", mend)
        elif name in ("prefect", "fastapi", "sqlalchemy", "duckdb"):
            shown.append(f"{name} {found}")
    if not faults:
        yield good("libraries", ", ".join(shown))


def _required() -> tuple[str, list[str]]:
    """The versions of Python, and the libraries with theirs: as the project says, else as the installed copy does."""
    if (ROOT / "pyproject.toml").is_file():
        project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
        return project["requires-python"], project["dependencies"]
    return ">=3.11", [line for line in requires("relance") or [] if "extra ==" not in line]


def fits(found: str, accepted: str) -> bool:
    """Whether a version is within bounds such as >=0.139,<0.151."""
    compare = {"==": lambda a, b: a == b, ">=": lambda a, b: a >= b, "<": lambda a, b: a < b}
    bounds = [re.match(r"\s*(==|>=|<)\s*([\d.]+)\s*$", bound) for bound in accepted.split(",") if bound.strip()]
    return all(compare[bound[1]](*_even(found, bound[2])) for bound in bounds)


def _even(*versions: str) -> list[list[int]]:
    numbers = [[int(part) for part in re.match(r"\d+(?:\.\d+)*", one)[0].split(".")] for one in versions]
    return [one + [0] * (max(map(len, numbers)) - len(one)) for one in numbers]


def settings(environ: Mapping[str, str]) -> Iterator[Finding]:
    """house.toml and policy.toml can be read."""
    from marketing.house import House
    from marketing.policy import Policy
    from marketing.settings import SettingsError

    home = Path(environ.get("RELANCE_HOME", "var"))
    for name, kind in (("house.toml", House), ("policy.toml", Policy)):
        path = home / name if (home / name).is_file() else ROOT / name
        try:
            read = kind.read(path)
            yield good(name, f"{path}" + (f": {read.name}, environment {read.environment}" if kind is House else ""))
        except SettingsError as error:
            yield wrong(name, "; ".join(error.problems), f"${{EDITOR:-vi}} {path}")


def room(environ: Mapping[str, str]) -> Iterator[Finding]:
    """The disk of the home has room."""
    home = Path(environ.get("RELANCE_HOME", "var")).absolute()
    there = next(path for path in (home, *home.parents) if path.exists())
    free = shutil.disk_usage(there).free
    said = f"{free / 2**30:,.1f} GB free at {home}"
    yield good("room", said) if free >= ROOM else wrong("room", f"only {said}", "relance maintain")


def cannot_open(error: Exception) -> Finding:
    """Why the installation cannot be opened, and what mends that."""
    about, mend = {
        "LedgerError": ("ledger", "export RELANCE_LEDGER_URL=sqlite:///FILE"),
        "WrongEnvironment": ("ledger", "relance go-live" if "go-live" in str(error) else "export RELANCE_HOME=ANOTHER_FOLDER"),
        "StoreError": ("parts", "export RELANCE_WAREHOUSE_URL=FOLDER"),
    }.get(type(error).__name__, ("installation", "relance status --debug"))
    return wrong(about, str(error), mend)


def ledger(wired: Any) -> Iterator[Finding]:
    """The ledger can be written, and is of this version's revision."""
    import sqlalchemy as sa
    from warehouse import schema

    where = wired.warehouse.ledger.url.render_as_string()
    try:
        with wired.warehouse.ledger.begin() as tx:
            found = tx.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    except sa.exc.DatabaseError as error:
        yield wrong("ledger", f"{where} cannot be written ({error.orig})", "export RELANCE_LEDGER_URL=sqlite:///FILE")
        return
    if found != schema.REVISION:
        yield wrong("ledger", f"{where} is of revision {found}, this version needs {schema.REVISION}", "relance status")
    else:
        yield good("ledger", f"{where}, revision {found}")


def parts(wired: Any) -> Iterator[Finding]:
    """A part can be written and deleted again."""
    store = wired.warehouse.store
    where = getattr(store, "root", None) or getattr(store, "bucket", "the bucket")
    path = store.reserve("doctor")
    try:
        store.begin(path).write_bytes(b"written by relance doctor")
        store.seal(path)
        store.drop(path)
    except Exception as error:  # of the file system, or of the bucket's library
        yield wrong("parts", f"{where} cannot be written ({error})", "export RELANCE_WAREHOUSE_URL=FOLDER")
        return
    with suppress(OSError, TypeError):
        (Path(where) / "doctor").rmdir()
    yield good("parts", f"{where} can be written")


def secret(wired: Any) -> Iterator[Finding]:
    """Where real people are written to, the key of tokens cannot be guessed, read or lost with one machine."""
    house, key, file = wired.warehouse.house, wired.warehouse.key, wired.warehouse.home / "secret.key"
    make = "export RELANCE_SECRET_KEY=$(python3 -c 'import secrets; print(secrets.token_hex(32))')"
    own = file.is_file() and file.read_bytes() == key
    if len(key) < SECRET:
        state = wrong if house.environment == "live" else remark
        yield state("secret key", f"it has {len(key)} bytes and can be guessed; give it {SECRET} before the first message", make)
    elif own and file.stat().st_mode & 0o077:
        yield wrong("secret key", f"{file} can be read by other accounts", f"chmod 600 {file}")
    elif own and house.environment == "live" and not wired.warehouse.ledger.sqlite:
        yield wrong("secret key", f"it is in {file}, and every other machine on this ledger would make its own",
                    f"export RELANCE_SECRET_KEY=$(cat {file})")
    else:
        yield good("secret key", f"in {file}; keep a copy" if own else "from RELANCE_SECRET_KEY")


def clock(wired: Any) -> Iterator[Finding]:
    """The clock of the machine does not stand behind what has happened already."""
    import sqlalchemy as sa
    from warehouse.schema import run

    simulated, wall = wired.warehouse.clock.simulated(), wired.wall()
    with wired.warehouse.ledger.read() as tx:
        latest = tx.execute(sa.select(sa.func.max(run.c.started_at))).scalar()
    if latest and latest > wall + timedelta(minutes=5):
        yield wrong("clock", f"it says {wall:%Y-%m-%d %H:%M} UTC, and a run began at {latest:%Y-%m-%d %H:%M}",
                    "sudo timedatectl set-ntp true")
    elif simulated:
        yield remark("clock", f"simulated: it is {simulated:%Y-%m-%d %H:%M} UTC in this warehouse until a pass says otherwise")
    else:
        yield good("clock", f"{wall:%Y-%m-%d %H:%M} UTC")


def connectors(wired: Any) -> Iterator[Finding]:
    """Every connector could send now, and none is stopped."""
    from flows.check_connectors import looked_at

    for one in looked_at(wired):
        about, faults = f"connector {one.connector}", "; ".join(one.problems)
        if one.healthy:
            known = [", ".join(one.channels) or "no channel", one.credentials, one.sender, one.quota]
            yield good(about, "; ".join(part for part in known if part))
        elif unset := re.search(r"environment variable (\w+)", faults):
            yield wrong(about, faults, f"export {unset[1]}=VALUE")
        elif faults:
            advice = [step for step in one.todo if not step.startswith("relance ")]
            yield wrong(about, "; ".join([faults, *advice]),
                        f"${{EDITOR:-vi}} house.toml && relance connectors check {one.connector}")
        else:
            yield wrong(about, f"is stopped: {one.stopped}", f"relance send {one.connector} --resume")


def programs(wired: Any) -> Iterator[Finding]:
    """The programs that draw and photograph, which nothing else needs."""
    from reports.diagram import PROGRAM

    beside = Path(sys.executable).parent / PROGRAM
    if not beside.exists() and not shutil.which(PROGRAM):
        yield remark("diagrams", f"the program {PROGRAM} is missing: no pictures of chains", f"pip install {PROGRAM}")
    if not shutil.which("chromium"):
        yield remark("pictures", "chromium is missing: only make photograph needs it", "sudo apt-get install chromium")


#: In the order in which they are told: those that need the environment alone, and those of an open installation.
BEFORE = (python, libraries, settings, room)
INSIDE = (ledger, *ABOUT_PEOPLE, parts, secret, clock, connectors, programs)
