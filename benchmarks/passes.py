"""The three-step chain, through the engine and through its floor: what is measured, in a process of its own."""

import dataclasses
import os
import shutil
import uuid
from datetime import timedelta
from pathlib import Path

import duckdb

import chains
from benchmarks import base
from benchmarks.floor import three_steps as floor
from benchmarks.measure import cpu

__all__ = ["DAYS", "compare", "engine", "plain", "prepare", "rendered", "wired"]

DAYS = (0, 7, 21)
ROOT = Path(__file__).parent.parent
NULL = 'kind = "memory"\nrecord = false'

chains.__path__.insert(0, str(Path(__file__).parent / "chains"))


def settle_home(home: str) -> None:
    """Make `home` the installation of this process; its only connector takes everything and keeps nothing."""
    os.environ |= {"RELANCE_HOME": home, "RELANCE_SEND_FOR": "3600"}
    text = (ROOT / "house.toml").read_text(encoding="utf-8")
    text = text.replace('kind = "folder"', NULL).replace('path = "sent"', "")
    Path(home).mkdir(parents=True, exist_ok=True)
    (Path(home) / "house.toml").write_text(text, encoding="utf-8")


def wired(home: str, rendering: bool = False):
    """The installation in `home`; with `rendering` its connector takes whole messages and answers one by one."""
    settle_home(home)
    from flows import wiring  # never by the floor

    installation = wiring.wired()
    if rendering:
        from benchmarks.taking import Taking

        taking = {name: Taking(name, one.settings) for name, one in installation.connectors.items()}
        installation = dataclasses.replace(installation, connectors=taking)
    return installation


def prepare(_meter, folder: str, contacts: int) -> None:
    """The base, once for the engine (folder/home) and once for the floor (folder/floor.duckdb)."""
    installation = wired(f"{folder}/home")
    base.into_warehouse(installation.warehouse, contacts)
    installation.warehouse.close()
    floor.prepare(f"{folder}/floor.duckdb", contacts)


def engine(meter, folder: str, contacts: int, rendering: bool = False, out: str = "") -> dict:
    """Three passes with their sends and folds over a copy of the base; the relation is written outside the meter."""
    home = f"{folder}/engine_run"
    shutil.copytree(f"{folder}/home", home)
    installation = wired(home, rendering)
    from flows.recipe import run_pass

    sent, standing = 0, _watch_standing()
    for day in DAYS:
        if day == 7:
            base.list_arrivals(installation.warehouse, contacts)
        if day:
            installation.warehouse.clock.advance(base.START + timedelta(days=day))
        with meter:
            summary = run_pass(installation, "three_steps", run=str(uuid.uuid4()))
        sent += sum(summary.sent.values())
    if out:
        _write(installation.warehouse, Path(out))
    size = sum(file.stat().st_size for file in Path(home, "parts").rglob("*") if file.is_file())
    shutil.rmtree(home)
    letters = sum(getattr(one, "letters", 0) for one in installation.connectors.values())
    return {"sent": sent, "megabytes": size / 1e6, "letters": letters, "standing": standing}


def _watch_standing() -> list[float]:
    """The CPU seconds of deriving `standing`, pass by pass, as they are spent."""
    from warehouse.passing import slice_pass

    prepare, spent = slice_pass.prepare_standing, []

    def watched(passing):
        begun = cpu()
        prepare(passing)
        spent.append(cpu() - begun)

    slice_pass.prepare_standing = watched
    return spent


def plain(meter, folder: str, contacts: int, out: str = "", keep: bool = False) -> None:
    """The same by the floor; it writes its relation once, inside the meter. `keep`: leave its file for the rendering."""
    from marketing.policy import Policy

    policy = Policy.read(ROOT / "policy.toml")
    path, target, last = f"{folder}/floor_run.duckdb", Path(out or f"{folder}/floor_out"), None
    shutil.copyfile(f"{folder}/floor.duckdb", path)
    target.mkdir(exist_ok=True)
    for day in DAYS:
        if day == 7:
            floor.list_arrivals(path, contacts)
        with meter:
            program = floor.Floor(path, policy.hours, policy.country, last)
            last = program.one_pass(base.START + timedelta(days=day))
            if day == DAYS[-1]:
                program.write(target)
            program.close()
    if not keep:
        Path(path).unlink()


def rendered(meter, folder: str) -> dict:
    """Every message of the floor's touches by bare sandboxed Jinja, thrown away; needs a floor that was kept."""
    from benchmarks.floor.render import render_all

    with meter:
        return render_all(f"{folder}/floor_run.duckdb", Path(__file__).parent / "chains" / "three_steps" / "messages")


RELATIONS = {
    "touches": "SELECT contact_id, step FROM touches WHERE chain = 'three_steps'",
    "refusals": "SELECT contact_id, step, reason FROM refusals WHERE chain = 'three_steps'",
    "places": """SELECT contact_id, arg_max(to_step, seq) AS place FROM moves WHERE chain = 'three_steps'
                 GROUP BY contact_id""",
}


def _write(warehouse, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    with warehouse.snapshot() as snap:
        for name, query in RELATIONS.items():
            snap.prepare(query)
            snap.engine.execute(f"COPY ({query}) TO '{folder / name}.parquet' (FORMAT parquet)")


def compare(_meter, ours: str, theirs: str) -> dict:
    """Rows per relation; raises when the sorted content of the two differs."""
    con, rows = duckdb.connect(), {}
    for name in RELATIONS:
        one, other = (f"(SELECT * FROM '{folder}/{name}.parquet')" for folder in (ours, theirs))
        extra, missing = f"(FROM {one} EXCEPT ALL FROM {other})", f"(FROM {other} EXCEPT ALL FROM {one})"
        apart = con.sql(f"(SELECT 'engine' AS only_in, * FROM {extra} AS a ORDER BY ALL LIMIT 5) UNION ALL "
                        f"(SELECT 'floor', * FROM {missing} AS b ORDER BY ALL LIMIT 5)").fetchall()
        if apart:
            raise AssertionError(f"{name} of the engine and of the floor differ, such as {apart}")
        rows[name] = con.sql(f"SELECT count(*) FROM {one}").fetchall()[0][0]
    return rows
