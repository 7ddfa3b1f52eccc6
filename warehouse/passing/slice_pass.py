"""The pass of one chain over one slice: what it read, what it moved, and the commit that makes it true."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from marketing.graph import Step
from marketing.relation import MIGRATED, STAYS
from marketing.summary import Tally
from warehouse import schema
from warehouse.manifest import current_number
from warehouse.passing.forks import pass_assign, pass_experiment, pass_rest, pass_split
from warehouse.passing.gate import Gate
from warehouse.passing.moving import Mover
from warehouse.passing.reading import Reading
from warehouse.passing.send import pass_send
from warehouse.passing.standing import prepare_standing
from warehouse.passing.wait import pass_wait
from warehouse.versions import Version

__all__ = ["Resting", "SlicePass"]

#: More live parts than this feed a step: its residents are written again as one part (keeps passes flat).
FEEDS = 8

#: What a wait can hear of: any of these, newly listed, wakes it.
HEARD = ("responses", "orders", "receipts")

KINDS = {
    "send": pass_send, "wait": pass_wait, "split": pass_split, "experiment": pass_experiment,
    "assign": pass_assign, "rest": pass_rest, "holdout": pass_rest,
}


@dataclass
class Resting:
    """The row of the ledger that answers an idle pass: who rests at a step, and when the first is due."""

    residents: int = 0
    next_due: datetime | None = None
    feeds: int = 0
    changed: bool = False


class SlicePass(Reading):
    """Everything one (chain, slice) needs in one pass; `commit` makes it true or raises HeadMoved.

    `versions` are those with contacts in them, `current` is the one that enrols. `n` is the moment of the manifest
    that it reads, where it is not the present one (a replay).
    """

    def __init__(self, warehouse, versions: list[Version], current: Version, *, slice: int, as_of: datetime, run: str,
                 latencies: dict[str, timedelta] | None = None, rates: dict[str, float | None] | None = None,
                 n: int | None = None):
        super().__init__(warehouse, slice, warehouse.engine())
        self.house, self.policy = warehouse.house, warehouse.policy
        self.versions, self.current = versions, current
        self.chain, self.as_of, self.run = current.chain, as_of, run
        self.latencies = latencies or {}  # from acceptance to arrival, by connector
        self.rates = rates or {}  # touches a second, by connector
        self.commit = warehouse.commit(run=run, as_of=as_of, engine=self.engine)
        # Heads before the snapshot: who commits in between makes this commit fail, never wrong.
        self.commit.read_head(f"chain:{self.chain}", slice)
        self._account = self.commit.see_head("account", slice)
        self.addresses = self.commit.see_head("addresses", 0)
        self.snapshot = warehouse.open_snapshot(slice=slice, engine=self.engine, n=n)
        self.snapshot.as_of = as_of
        self.n = self.snapshot.n
        self.resting = self._read_resting()
        self.mark = self._read_mark()
        self.tally = Tally()
        self.moving = Mover(self)
        self.gate = Gate(self)
        self.returned: set[tuple[int, str]] = set()
        self.arriving: dict[tuple[int, str], datetime] = {}
        self._standing = False
        self._compacted: set[tuple[int, str]] = set()
        self._left = False
        self._residents: dict[tuple[int, str, bool], str] = {}

    # What was there before this pass ------------------------------------------------------------------

    def _read_resting(self) -> dict[tuple[int, str], Resting]:
        rest = schema.rest
        with self.warehouse.ledger.read() as tx:
            rows = tx.execute(sa.select(rest).where(rest.c.chain == self.chain, rest.c.slice == self.slice)).mappings()
            return {(r["version"], r["step"]): Resting(r["residents"], r["next_due"], r["feeds"]) for r in rows}

    def _read_mark(self) -> int:
        mark = schema.watermark
        with self.warehouse.ledger.read() as tx:
            return tx.execute(sa.select(mark.c.n).where(mark.c.reader == self.reader, mark.c.slice == self.slice)).scalar() or 0

    @property
    def reader(self) -> str:
        return f"chain:{self.chain}"

    def standing(self) -> str:
        """The view `standing`: what the gate needs to know of each contact, as of the snapshot."""
        if not self._standing:
            prepare_standing(self)
            self._standing = True
        return "standing"

    @property
    def has_left(self) -> bool:
        """Whether anybody left by goal or exit in this pass: they stand in the table left_now."""
        return self._left

    def wave(self, kind: str, params: dict) -> int:
        """The number of this run's wave, the same for every slice and every retry of the run."""
        wave = schema.wave
        key = (wave.c.chain == self.chain) & (wave.c.run == self.run) & (wave.c.kind == kind)
        with self.warehouse.ledger.begin() as tx:
            current_number(tx, hold=True)  # one at a time: a run may be made twice at once
            number = tx.execute(sa.select(wave.c.id).where(key)).scalar()
            if number is None:
                number = tx.execute(sa.insert(wave).returning(wave.c.id), {
                    "chain": self.chain, "version": self.current.id, "run": self.run, "kind": kind,
                    "enrolled_at": self.as_of, "params": json.dumps(params, sort_keys=True, default=str),
                    "audience": 0, "entered": 0, "held_out": 0}).scalar_one()
        return number

    def wave_params(self, waves: list[int]) -> dict[int, str]:
        """The frozen parameters of waves, as JSON text."""
        with self.warehouse.ledger.read() as tx:
            rows = tx.execute(sa.select(schema.wave.c.id, schema.wave.c.params).where(schema.wave.c.id.in_(waves))).all()
        return dict(rows)

    def query_values(self, params: str) -> dict:
        """What an audience's query may name: $as_of and the parameters of its wave."""
        return {"as_of": self.as_of, **json.loads(params)}

    def expect_account(self) -> None:
        """What was planned counts towards every cap: no other chain may have planned in this slice meanwhile."""
        self.commit.expect("account", self.slice, self._account)

    # Who stands where -----------------------------------------------------------------------------------

    def residents(self, version: int, step: str) -> str:
        """A view of those who rested at a step when the pass began, but for those who have left since.

        They are the arrivals of the step's parts that no departure follows: its latest
        rest part and the moves after it.
        """
        if found := self._residents.get((version, step, self._left)):
            return found
        part = schema.part
        name = self._residents[version, step, self._left] = f"residents_{len(self._residents)}"
        of_chain, here = part.c.chain == self.chain, part.c.version == version
        rests = self.parts("rest", of_chain, here, part.c.to_step == step)
        # Who was moved along into another version has left this one, by a move of that other.
        moves = self.parts("moves", of_chain, part.c.place > (rests[-1].upto if rests else 0), sa.or_(
            here & (part.c.to_step == step), (here | (part.c.reason == MIGRATED)) & (part.c.from_step == step)))
        rested = self.query_of("rest", f"{name}_rest", rests)
        arrivals = [p for p in moves if p.to_step == step and p.version == version]
        came = self.query_of("moves", f"{name}_in", arrivals, constants=True)
        went = self.query_of("moves", f"{name}_out", [p for p in moves if p.from_step == step])
        left = "ANTI JOIN left_now AS l ON l.enrolment_id = a.enrolment_id" if self._left else ""
        # Whoever stays for a further channel has waited since before.
        stayed = any(p.reason in STAYS for p in arrivals) and self._is_wait(version, step)
        since = "REPLACE (min(arrived_at) OVER (PARTITION BY enrolment_id, visit) AS arrived_at)" if stayed else ""
        self.engine.execute(f"""
            CREATE OR REPLACE TEMP VIEW {name} AS
            SELECT a.*, 0::SMALLINT AS fresh FROM (SELECT * {since} FROM (
                SELECT enrolment_id, seq, visit, since, passed, planned, due_at, until_at, arrived_at FROM ({rested}) AS r
                UNION ALL
                SELECT enrolment_id, seq, visit, since, passed, planned, due_at, until_at, moved_at FROM ({came}) AS c
            )) AS a
            ANTI JOIN ({went}) AS o ON o.enrolment_id = a.enrolment_id AND o.seq = a.seq + 1 {left}""")
        self._compact(version, step, name, [p.n for p in rests])
        return name

    def _is_wait(self, version: int, step: str) -> bool:
        return any(one.id == version and one.graph.step(step).kind == "wait" for one in (*self.versions, self.current))

    def _compact(self, version: int, step: str, view: str, old: list[int]) -> None:
        """Write who rests at a step as one part, once many parts feed it: as of the snapshot, moves of now come after."""
        resting = self.resting.get((version, step))
        if self._left or resting is None or resting.feeds <= FEEDS or (version, step) in self._compacted:
            return
        # Once: what arrives in this pass feeds the step too, and a second part would hold everybody again.
        self._compacted.add((version, step))
        self.commit.retire(old)
        self.commit.add("rest", view, slice=self.slice, chain=self.chain, version=version, to_step=step, upto=self.n,
                        run=None)
        resting.feeds, resting.changed = 1, True

    def leave_now(self, relation: str) -> None:
        """Those who left by goal or exit: from here on they stand nowhere."""
        self.engine.execute(f"CREATE OR REPLACE TEMP TABLE left_now AS SELECT enrolment_id FROM {relation}")
        self._left = True

    def rest_of(self, version: int, step: str) -> Resting:
        return self.resting.setdefault((version, step), Resting())

    # The steps ------------------------------------------------------------------------------------------

    def awake(self, version: Version, step: Step) -> bool:
        """Whether somebody who rests at a step may move: due, or perhaps answered."""
        resting = self.resting.get((version.id, step.name))
        if not resting or not resting.residents:
            return False
        if resting.next_due is not None and resting.next_due <= self.as_of:
            return True
        return step.kind == "wait" and any(self.listed(tbl) for tbl in HEARD)

    def busy(self, version: Version, step: Step) -> bool:
        """Whether a step has anything to do in this pass."""
        return step.kind != "end" and ((version.id, step.name) in self.moving.arrivals or self.awake(version, step))

    def step(self, version: Version, step: Step) -> int:
        """One step of the pass: returns how many moved on (a Send: how many were due)."""
        stored = self.awake(version, step)
        if stored:
            self.rest_of(version.id, step.name).next_due = None
        here = self.moving.here(version, step.name, stored)
        if here is None:
            return 0
        self.note_due(version, step, self.arriving.get((version.id, step.name)))
        return KINDS[step.kind](self, version, step, here)

    def note_due(self, version: Version, step: Step, due: datetime | None) -> None:
        """Somebody at a step is due at this instant: the ledger keeps the earliest."""
        resting = self.rest_of(version.id, step.name)
        if due is not None and (resting.next_due is None or due < resting.next_due):
            resting.next_due = due
        resting.changed = True

    # The end ----------------------------------------------------------------------------------------------

    def finish(self) -> list[int]:
        """Commit: moves, touches, refusals, batches, watermark and who rests where. Raises HeadMoved."""
        self.commit.within(self._write_resting)
        return self.commit.apply()

    def _write_resting(self, tx: sa.Connection, _numbers: list[int]) -> None:
        self.write_rests(tx)
        self.warehouse.ledger.put(tx, schema.watermark, {"reader": self.reader, "slice": self.slice, "n": self.n})

    def write_rests(self, tx: sa.Connection) -> None:
        """Who rests where, where that has changed: who moves contacts without hearing anything leaves the watermark."""
        for (version, step), resting in self.resting.items():
            if (version, step) in self.returned:
                resting.next_due = self.as_of  # never after it: they wait for the next pass
            if resting.changed:
                self.warehouse.ledger.put(tx, schema.rest, {
                    "chain": self.chain, "version": version, "slice": self.slice, "step": step,
                    "residents": resting.residents, "next_due": resting.next_due, "feeds": resting.feeds,
                })

    def close(self) -> None:
        self.snapshot.release()
        self.engine.close()
