"""The touches of late that count towards a frequency cap: of all chains, those planned in this pass included."""

from dataclasses import dataclass
from datetime import datetime

from marketing.policy import Cap
from warehouse import schema
from warehouse.passing.literals import literal

__all__ = ["RecentTouches"]

#: With so many times more touches than candidates, theirs are picked out before they are counted by contact.
FEW = 4
#: So many touches that count towards a cap are kept in memory between the Sends of a pass (16 bytes each).
KEPT = 2_000_000


@dataclass
class _Stored:
    """The stored touches that count towards a cap: their view, the most that one contact can have, their rows."""

    view: str
    most: int
    rows: int
    asked: int = 0


class RecentTouches:
    """What one pass knows of them, cap by cap."""

    def __init__(self, passing):
        self.passing, self.engine = passing, passing.engine
        self._of_cap: dict[str, _Stored] = {}

    def reach(self, cap: Cap, after: datetime, planned: list[tuple[str, str, str, str]], candidates: int) -> bool:
        """Whether anybody can have reached a cap; then the view `recent_touches` (contact_id, planned_at) is made.

        `planned` are the touches of this pass (relation, step, channel, purpose), `candidates` how many are asked about,
        in the view `candidates`: with few of them only theirs are read. A part holds the touches of one step in one pass,
        so at most one to a contact: with fewer parts than the cap allows nobody can have reached it, and nothing is read.
        """
        if cap.name not in self._of_cap:
            self._of_cap[cap.name] = self._stored(cap, after)
        stored = self._of_cap[cap.name]
        now = [touches for touches, _, channel, purpose in planned
               if (not cap.channels or channel in cap.channels) and (not cap.purposes or purpose in cap.purposes)]
        if stored.most + len(now) < cap.at_most:
            return False
        self._keep(stored)
        mine = "".join(f" UNION ALL SELECT contact_id, {literal(self.passing.as_of)} FROM {touches}" for touches in now)
        few = "SEMI JOIN candidates AS c ON c.contact_id = t.contact_id" if candidates * FEW < stored.rows else ""
        self.engine.execute(f"""
            CREATE OR REPLACE TEMP VIEW recent_touches AS
            SELECT contact_id, planned_at FROM (SELECT contact_id, planned_at FROM {stored.view}{mine}) AS t {few}""")
        return True

    def _keep(self, stored: _Stored) -> None:
        """Once a second Send of the pass asks, read the files a last time: a table costs a tenth of them."""
        stored.asked += 1
        if stored.asked == 2 and stored.rows <= KEPT:
            kept = f"{stored.view}_kept"
            self.engine.execute(f"CREATE OR REPLACE TEMP TABLE {kept} AS SELECT contact_id, planned_at FROM {stored.view}")
            stored.view = kept

    def _stored(self, cap: Cap, after: datetime) -> _Stored:
        passing, part, view = self.passing, schema.part, f"recent_{cap.name}"
        conditions = [part.c.happened_at > after]
        if cap.channels:
            conditions.append(part.c.channel.in_(cap.channels))
        if cap.purposes:
            conditions.append(part.c.purpose.in_(cap.purposes))
        touches = passing.parts("touches", *conditions)
        # A folded part (without a run of its own) may hold several passes, as many as it has rows.
        most = sum(1 if one.run else one.rows for one in touches)
        passing.scan("touches", f"{view}_touches", parts=touches)
        oldest = min((one.lo_at or one.happened_at for one in touches), default=passing.as_of)
        receipts = passing.parts("receipts", part.c.hi_at >= oldest, part.c.reason == "not_made")
        passing.scan("receipts", f"{view}_receipts", parts=receipts)
        self.engine.execute(f"""
            CREATE OR REPLACE TEMP VIEW {view} AS
            SELECT t.enrolment_id & 68719476735 AS contact_id, t.planned_at FROM {view}_touches AS t
            ANTI JOIN {view}_receipts AS r
              ON r.enrolment_id = t.enrolment_id AND r.chain = t.chain AND r.step = t.step AND r.visit = t.visit
             AND r.leg = t.leg""")
        return _Stored(view, most, sum(one.rows for one in touches))
