"""The rows of the table: each measures the engine and its floor in turn, round by round, and says whether it holds."""

import math
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.measure import measured, medians
from benchmarks.server import server
from benchmarks.waves import STEPS, WAVES

__all__ = ["ROWS", "Bench", "Line"]

ROUNDS = 3
#: The table's targets.
SPEED, RENDERED, EXPONENT, MEGABYTES, LAST, PREFECT, TASK, IDLE, READY = 1.0, 1.3, 1.05, 600, 1.3, 1.25, 0.030, 1.1, 2.0
DRAINED, ACCEPTED, BESIDE, TICK = 25_000, 2_000, 5.0, 30.0
#: Minutes for a million contacts through the loyalty chain.
REHEARSED = 10.0
#: Under it a pass is start-up: the first row exempts it.
SMALL = 10_000
RENDERED_CONTACTS, RESPONSES, FLOW_CONTACTS, WAVE, TICKING = 100_000, 50_000, (10_000, 100_000), 20_000, 130_000


@dataclass
class Line:
    """One line of the table; `holds` is None where the figure has no target."""

    row: int
    what: str
    engine: str
    floor: str
    figure: str
    target: str
    holds: bool | None


@dataclass
class Bench:
    """One run: its sizes, the folder of its bases, and what it found."""

    folder: Path
    sizes: list[int]
    tell: object = print
    lines: list[Line] = field(default_factory=list)
    passes: dict[int, dict] = field(default_factory=dict)

    def add(self, *values) -> None:
        """Keep a line and show it."""
        self.lines.append(line := Line(*values))
        held = {True: "holds", False: "MISSES", None: ""}[line.holds]
        self.tell(f"  {line.row}  {line.what}: {line.engine} | {line.floor} | {line.figure} ({line.target}) {held}")

    def base(self, contacts: int) -> str:
        """The folder of a base of so many contacts, made once."""
        folder = self.folder / f"base_{contacts}"
        if not folder.exists():
            folder.mkdir(parents=True)
            self.tell(f"  base of {contacts:,} contacts")
            measured("benchmarks.passes:prepare", folder=str(folder), contacts=contacts)
        return str(folder)

    def pairs(self, contacts: int) -> dict:
        """Rounds of floor and engine for the three-step chain, compared in each; made once for each size."""
        if contacts not in self.passes:
            folder, floors, engines = self.base(contacts), [], []
            for _ in range(ROUNDS if contacts <= 1_000_000 else 1):
                floors.append(measured("benchmarks.passes:plain", folder=folder, contacts=contacts, out=f"{folder}/floor_out"))
                engines.append(measured("benchmarks.passes:engine", folder=folder, contacts=contacts, out=f"{folder}/engine_out"))
                rows = measured("benchmarks.passes:compare", ours=f"{folder}/engine_out", theirs=f"{folder}/floor_out")
            self.passes[contacts] = {"floor": medians(floors), "engine": medians(engines), "rows": rows["result"],
                                     "ratio": _ratio(engines, floors, "cpu"), "wall": _ratio(engines, floors, "wall")}
        return self.passes[contacts]


def three_steps(bench: Bench) -> None:
    """Row 1."""
    for contacts in bench.sizes:
        pair = bench.pairs(contacts)
        rows = pair["rows"]
        bench.add(1, f"three steps, {contacts:,} contacts: {rows['touches']:,} touches, {rows['refusals']:,} refusals",
                  _used(pair["engine"]), _used(pair["floor"]), f"{pair['ratio']:.2f}× CPU, {pair['wall']:.2f}× wall",
                  f"≤ {SPEED:g}× CPU" if contacts > SMALL else "exempt",
                  pair["ratio"] <= SPEED if contacts > SMALL else None)


def rendered(bench: Bench) -> None:
    """Row 2."""
    contacts = min(max(bench.sizes), RENDERED_CONTACTS)
    folder, floors, bares, engines = bench.base(contacts), [], [], []
    for _ in range(ROUNDS):
        floors.append(measured("benchmarks.passes:plain", folder=folder, contacts=contacts, keep=True))
        bares.append(measured("benchmarks.passes:rendered", folder=folder))
        engines.append(measured("benchmarks.passes:engine", folder=folder, contacts=contacts, rendering=True))
    made = bares[-1]["result"]["messages"]
    if made != engines[-1]["result"]["sent"]:
        raise AssertionError(f"the floor rendered {made} messages, the engine sent {engines[-1]['result']['sent']}")
    both = [{"cpu": f["cpu"] + b["cpu"], "wall": f["wall"] + b["wall"], "peak": max(f["peak"], b["peak"])}
            for f, b in zip(floors, bares)]
    ratio = _ratio(engines, both, "cpu")
    each = 1e6 * median(one["cpu"] for one in engines) / made
    bench.add(2, f"the same, each message rendered and its receipt kept, {contacts:,} contacts: {made:,} messages",
              f"{_used(medians(engines))}, {each:.0f} µs a message", _used(medians(both)),
              f"{ratio:.2f}× CPU, {_ratio(engines, both, 'wall'):.2f}× wall", f"≤ {RENDERED:g}× CPU", ratio <= RENDERED)


def growth(bench: Bench) -> None:
    """Row 4: over contacts, and over waves."""
    if len(bench.sizes) > 1:
        found = {contacts: bench.pairs(contacts)["engine"] for contacts in bench.sizes}
        exponent = _exponent({contacts: one["cpu"] for contacts, one in found.items()})
        most = max(one["peak"] for one in found.values())
        bench.add(4, f"growth from {min(found):,} to {max(found):,} contacts",
                  "CPU-s " + ", ".join(f"{one['cpu']:.2f}" for one in found.values()), "", f"exponent {exponent:.2f}",
                  f"≤ {EXPONENT:g}", exponent <= EXPONENT)
        bench.add(4, "memory of a process, the largest of these", f"{most:.0f} MB", "", f"{most:.0f} MB",
                  f"≤ {MEGABYTES} MB", most <= MEGABYTES)
    folder = bench.folder / "waves"
    each = min(WAVE, max(bench.sizes) // 10)
    run = measured("benchmarks.waves:waves", folder=str(bench.folder), each=each)
    shutil.rmtree(folder)
    spent = [cpu for cpu, _ in run["sections"]]
    first, last = median(spent[STEPS - 1:STEPS + 2]), median(spent[-3:])
    bench.add(4, f"{WAVES} waves of {each:,} through {STEPS} steps: {run['result']['planned']:,} touches, {run['peak']:.0f} MB",
              f"last passes {last:.2f} CPU-s", f"first full ones {first:.2f} CPU-s", f"{last / first:.2f}×", f"≤ {LAST:g}×",
              last / first <= LAST)


def share(bench: Bench) -> None:
    """Row 5: what the pass costs as a flow run beyond what it costs as a function."""
    for contacts in [size for size in FLOW_CONTACTS if size <= max(bench.sizes)] or [min(bench.sizes)]:
        home, empties, flows, functions = f"{bench.base(contacts)}/home", [], [], []
        for _ in range(ROUNDS):
            empties.append(measured("benchmarks.runs:empty"))
            flows.append(measured("benchmarks.runs:as_flow", home=home))
            functions.append(measured("benchmarks.runs:as_function", home=home))
        tasks = flows[-1]["result"]["tasks"]
        extra = median(f["wall"] - p["wall"] for f, p in zip(flows, functions))
        extra_cpu = median(f["cpu"] - p["cpu"] for f, p in zip(flows, functions))
        empty = median(one["wall"] for one in empties)
        allowed = PREFECT * empty + TASK * tasks
        drawing = median(one["sections"][1][0] for one in functions)
        bench.add(5, f"Prefect's share of a first pass, {contacts:,} contacts, {tasks} task runs",
                  f"{extra:.2f} s wall, {extra_cpu:.2f} CPU-s; drawing the figures, not counted, {drawing:.2f} CPU-s",
                  f"empty flow {empty:.2f} s", f"{extra:.2f} s",
                  f"≤ {PREFECT:g}× empty + {TASK * 1000:.0f} ms a task run = {allowed:.2f} s", extra <= allowed)


def idle(bench: Bench) -> None:
    """Row 6."""
    contacts = max(size for size in bench.sizes if size <= 1_000_000)
    folder = bench.base(contacts)
    measured("benchmarks.runs:rest_home", folder=folder)
    empties, flows = [], []
    for _ in range(ROUNDS + 2):
        empties.append(measured("benchmarks.runs:empty"))
        flows.append(measured("benchmarks.runs:as_flow", home=f"{folder}/rest"))
    wall, spent = _of(flows, empties, "wall"), _of(flows, empties, "cpu")
    bench.add(6, f"idle pass, {contacts:,} contacts enrolled, {flows[-1]['result']['tasks']} task runs", _used(medians(flows)),
              _used(medians(empties)), f"{wall:.2f}× wall, {spent:.2f}× CPU", f"≤ {IDLE:g}× wall", wall <= IDLE)


def ticking(bench: Bench) -> None:
    """Row 6, of a house: every chain asked on the hour, and nobody due in any."""
    contacts = min(max(bench.sizes), TICKING)
    folder = bench.base(contacts)
    active = measured("benchmarks.runs:ten_chains", folder=folder)["result"]["active"]
    empties, ticks = [], []
    for _ in range(ROUNDS):
        empties.append(measured("benchmarks.runs:empty", times=10))
        ticks.append(measured("benchmarks.runs:tick", home=f"{folder}/ten"))
    wall = median(one["wall"] for one in ticks)
    bench.add(6, f"the hourly tick of ten chains with {active:,} enrolments, nobody due", _used(medians(ticks)),
              f"ten empty flows {_used(medians(empties))}",
              f"{wall:.1f} s, {_of(ticks, empties, 'wall'):.2f}× wall, {_of(ticks, empties, 'cpu'):.2f}× CPU",
              f"seconds: ≤ {TICK:g}", wall <= TICK)
    shutil.rmtree(f"{folder}/ten")


def responses(bench: Bench) -> None:
    """Row 7, as far as the inbox: taken durably, and drained."""
    folder = bench.base(min(max(bench.sizes), RENDERED_CONTACTS))
    if not Path(folder, "rest").exists():
        measured("benchmarks.runs:rest_home", folder=folder)
    taken = [measured("benchmarks.door:accepted", home=f"{folder}/rest", count=10_000) for _ in range(ROUNDS)]
    drains = [measured("benchmarks.door:drained", home=f"{folder}/rest", count=RESPONSES) for _ in range(ROUNDS)]
    for figures, verb, target in ((taken, "taken durably by 32 callers", ACCEPTED), (drains, "drained", DRAINED)):
        rows = figures[-1]["result"].get("listed") or figures[-1]["result"]["rows"]
        rate = rows / median(one["wall"] for one in figures)
        by_cpu = rows / median(one["cpu"] for one in figures)
        bench.add(7, f"{rows:,} responses {verb}", _used(medians(figures)), "", f"{rate:,.0f}/s, {by_cpu:,.0f} a CPU-s",
                  f"≥ {target:,}/s", rate >= target)
    contacts = max(size for size in bench.sizes if size <= 1_000_000)
    waits = [measured("benchmarks.door:beside", home=f"{bench.base(contacts)}/home")["result"] for _ in range(ROUNDS)]
    alone, during = (1000 * median(one[name] for one in waits) for name in ("alone", "beside"))
    ratio = median(one["beside"] / one["alone"] for one in waits)
    bench.add(7, f"the longest wait of 99 in 100 callers until theirs is durable, beside a pass over {contacts:,} contacts",
              f"{during:.1f} ms", f"alone {alone:.1f} ms", f"{ratio:.1f}×", f"≤ {BESIDE:g}×", ratio <= BESIDE)


def back(bench: Bench) -> None:
    """Row 8."""
    contacts = max(size for size in bench.sizes if size <= 1_000_000)
    home, found = f"{bench.base(contacts)}/home", []
    for _ in range(ROUNDS):
        shutil.copytree(home, f"{home}_killed")
        if not measured("benchmarks.door:killed", home=f"{home}_killed")["result"]["killed"]:
            raise AssertionError("the pass was not killed inside its commit")
        found.append(measured("benchmarks.door:ready", home=f"{home}_killed"))
        entered = measured("benchmarks.door:carried_on", home=f"{home}_killed")["result"]["entered"]
        if entered != contacts:
            raise AssertionError(f"after the kill {entered} of {contacts} contacts entered")
        shutil.rmtree(f"{home}_killed")
    seconds = median(one["result"]["seconds"] for one in found)
    bench.add(8, f"killed in mid-commit, {contacts:,} contacts: ledger and inbox have taken a write again",
              f"{seconds:.2f} s after the start of the process, {median(one['cpu'] for one in found):.2f} CPU-s", "",
              f"{seconds:.2f} s", f"≤ {READY:g} s", seconds <= READY)


def rehearsed(bench: Bench) -> None:
    """Row 9."""
    contacts = max(size for size in bench.sizes if size <= 1_000_000)
    run = measured("benchmarks.rehearsals:rehearsal", folder=bench.base(contacts))
    told, minutes = run["result"], run["wall"] / 60
    bench.add(9, f"{contacts:,} contacts rehearsed through six contacts: {told['entered']:,} enter, {told['touches']:,} touches, "
              f"{told['passes']} passes", _used(run), "", f"{minutes:.1f} min, {run['peak']:.0f} MB",
              f"≤ {REHEARSED:g} min, ≤ {MEGABYTES} MB", minutes <= REHEARSED and run["peak"] <= MEGABYTES)


def with_server(*rows):
    """Rows that need a Prefect server, with one."""
    def run(bench: Bench) -> None:
        with server():
            for row in rows:
                row(bench)
    return run


ROWS = {1: three_steps, 2: rendered, 4: growth, 5: with_server(share), 6: with_server(idle, ticking), 7: responses, 8: back,
        9: rehearsed}


def _used(figures: dict) -> str:
    return f"{figures['cpu']:.2f} CPU-s, {figures['wall']:.2f} s, {figures['peak']:.0f} MB"


def _ratio(ours: list[dict], theirs: list[dict], name: str) -> float:
    """The median of the rounds' own ratios: the two of a round ran side by side in time."""
    return median(one[name] / other[name] for one, other in zip(ours, theirs))


def _of(ours: list[dict], theirs: list[dict], name: str) -> float:
    return median(one[name] for one in ours) / median(one[name] for one in theirs)


def _exponent(spent: dict[int, float]) -> float:
    """The slope of log CPU over log contacts, by least squares."""
    xs, ys = [math.log(n) for n in spent], [math.log(s) for s in spent.values()]
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    return (sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys)) / sum((x - mean_x) ** 2 for x in xs))
