"""The gate at plan: named rules over the whole set, each refusal a row with its reason."""

from dataclasses import dataclass

import pyarrow as pa

from marketing import calendar
from marketing.chance import GLOBAL_HOLDOUT, salt32
from marketing.channels import EMAIL, PHONE, SMS, VOICE
from marketing.gate import CHANNEL_BITS, GROUNDS, RULES, consent_bit, known_zone, next_open
from marketing.graph import Step
from warehouse import schema
from warehouse.passing.recent import RecentTouches

__all__ = ["Gate"]

#: The outcomes of a touch that was made; every other outcome gives its reservation back.
MADE = ("accepted", "duplicate", "unknown")

_ADDRESS = {EMAIL: "email", SMS: "phone", PHONE: "phone", VOICE: "phone"}
#: A refusal; a deferral past the latest moment of its touch is the drop `stale`.
REFUSED = """enrolment_id, visit,
    CASE WHEN until_at > latest_at THEN 'stale' ELSE reason END AS reason,
    CASE WHEN until_at > latest_at THEN reason || '/' || rule ELSE rule END AS rule, value, limit_value,
    CASE WHEN until_at <= latest_at OR latest_at IS NULL THEN until_at END AS until_at"""


@dataclass(frozen=True)
class Asked:
    """Who the gate is asked about: a Send on one of its channels."""

    step: Step
    channel: str
    leg: int


class Gate:
    """Asks every rule in order; who is refused by one is not asked by the next."""

    def __init__(self, passing):
        self.passing, self.engine = passing, passing.engine
        self._recent = RecentTouches(passing)
        self._asking = 0  # candidates that no rule has refused yet
        self.planned_now: list[tuple[str, str, str, str]] = []  # touches, and their step, channel and purpose

    def ask(self, asked: Asked, due: str) -> tuple[str, str, str | None]:
        """A table of those in `due`, a view of those of them who may be written to, and a table of refusals or None.

        `due` has the state's columns and contact_id. A refusal has enrolment_id, visit, reason, rule, value,
        limit_value and until_at; one with until_at is a deferral.
        """
        everybody = candidates = self._candidates(asked, due)
        self._asking = self.engine.count(everybody)
        refusals: list[str] = []
        for rule in RULES:
            for found in getattr(self, f"_{rule}")(asked):
                if many := self.engine.count(found):
                    self._asking -= many
                    refusals.append(found)
                    candidates = self._without(candidates, found)
                else:
                    self.engine.execute(f"DROP TABLE {found}")
        if not refusals:
            return everybody, candidates, None
        everything = self.passing.moving.name("refusals")
        found = " UNION ALL BY NAME ".join(f"FROM {table}" for table in refusals)
        self.engine.execute(f"CREATE OR REPLACE TEMP TABLE {everything} AS SELECT {REFUSED} FROM ({found}) AS f")
        return everybody, self._without(everybody, everything), everything

    def _candidates(self, asked: Asked, due: str) -> str:
        """Materialise who is asked about, with what the rules of this channel need to know of them."""
        name = self.passing.moving.name("candidates")
        wanted = ["s.granted", "s.refused", "s.customer", "s.reach"]
        if address := _ADDRESS.get(asked.channel):
            wanted += [f"s.{address}_key AS address_key", f"s.{address}_shared AS shared"]
        else:
            wanted += ["NULL::UBIGINT AS address_key", "false AS shared"]
        if asked.channel in self.passing.policy.hours:
            wanted.append("s.zone")
        self.engine.execute(f"""
            CREATE OR REPLACE TEMP TABLE {name} AS
            SELECT d.*, {", ".join(wanted)}
            FROM {due} AS d JOIN {self.passing.standing()} AS s ON s.contact_id = d.contact_id""")
        return self._current(name)

    def _current(self, name: str) -> str:
        self.engine.execute(f"CREATE OR REPLACE TEMP VIEW candidates AS SELECT * FROM {name}")
        return name

    def _without(self, candidates: str, refused: str) -> str:
        name = self.passing.moving.name("candidates")
        self.engine.execute(f"""
            CREATE OR REPLACE TEMP VIEW {name} AS
            SELECT c.* FROM {candidates} AS c ANTI JOIN {refused} AS r ON r.enrolment_id = c.enrolment_id""")
        return self._current(name)

    def _rule(self, rule: str, asked: Asked, **values) -> str:
        table = self.passing.moving.name("refused")
        return self.engine.keep(table, f"gate/{rule}", as_of=self.passing.as_of, channel=asked.channel,
                                purpose=asked.step.purpose, **values)

    # The rules, by name ---------------------------------------------------------------------------------

    def _stale(self, asked: Asked):
        yield self._rule("stale", asked)

    def _no_address(self, asked: Asked):
        yield self._rule("no_address", asked, channel_bit=CHANNEL_BITS[asked.channel])

    def _suppressed(self, asked: Asked):
        listed, now = self.passing.parts("suppressions", slice=None), self.passing.moving.suppressed_now
        if listed or now:
            self.passing.scan("suppressions", "suppressions_listed", parts=listed, constants=False)
            self.engine.execute("CREATE OR REPLACE TEMP VIEW suppressions_now AS " + " UNION ALL ".join(
                f"SELECT contact_id, address_key, channel, purpose, reason, from_at, until_at FROM {rows}"
                for rows in ("suppressions_listed", *now)))
            yield self._rule("suppressed", asked)

    def _global_holdout(self, asked: Asked):
        if self.passing.policy.global_holdout:
            yield self._rule("global_holdout", asked, global_salt=salt32(GLOBAL_HOLDOUT),
                             global_holdout=self.passing.policy.global_holdout)

    def _consent(self, asked: Asked):
        grounds = GROUNDS[asked.channel, asked.step.purpose]
        if "always" not in grounds:
            yield self._rule("consent", asked, consent_bit=consent_bit(asked.channel, asked.step.purpose),
                             by_silence="no_objection" in grounds, by_custom="customer" in grounds)

    def _same_address(self, asked: Asked):
        if asked.channel not in _ADDRESS:
            return
        first, last = self.engine.execute(
            "SELECT min(enrolment_id) >> 36, max(enrolment_id) >> 36 FROM candidates WHERE shared")[0]
        if first is None:
            return
        passing, part = self.passing, schema.part
        key = f"{_ADDRESS[asked.channel]}_key"
        passing.scan("touches", "step_touches", part.c.chain == passing.chain, part.c.to_step == asked.step.name,
                     part.c.channel == asked.channel, slice=None, constants=False)
        now = [planned for planned, step, channel, _ in self.planned_now if (step, channel) == (asked.step.name, asked.channel)]
        # Only those of the waves asked about, as a range of ids, by which files are left out.
        of_waves = f"enrolment_id >= {first << 36} AND enrolment_id < {last + 1 << 36}"
        self.engine.execute("CREATE OR REPLACE TEMP VIEW step_planned AS " + " UNION ALL ".join(
            f"SELECT enrolment_id FROM {touches} WHERE {of_waves}" for touches in ("step_touches", *now)))
        passing.scan("contacts", "contacts_everywhere", slice=None, constants=False)
        self.engine.execute(f"""
            CREATE OR REPLACE TEMP VIEW sharers AS
            SELECT c.contact_id, c.{key} AS address_key FROM contacts_everywhere AS c
            SEMI JOIN (SELECT address_key FROM candidates WHERE shared) AS k ON k.address_key = c.{key}""")
        # Two slices that plan for one address at once: the second reads again and finds the first one's touch.
        passing.commit.expect("addresses", 0, passing.addresses)
        yield self._rule("same_address", asked)

    def _hours(self, asked: Asked):
        windows = self.passing.policy.hours.get(asked.channel)
        if not windows:
            return
        zones = self.engine.sql("SELECT DISTINCT zone FROM candidates")["zone"].to_pylist()
        opens = [next_open(self.passing.as_of, windows, known_zone(zone, self.passing.house.zone),
                           self.passing.policy.country) for zone in zones]
        self.engine.register("zones", pa.table({"zone": pa.array(zones, pa.string()),
                                                "opens_at": pa.array(opens, pa.timestamp("us"))}))
        if any(instant > self.passing.as_of for instant in opens):
            yield self._rule("hours", asked)

    def _cap(self, asked: Asked):
        for cap in self.passing.policy.caps:
            if cap.channels and asked.channel not in cap.channels or cap.purposes and asked.step.purpose not in cap.purposes:
                continue
            window = calendar.days(cap.within_days)
            after = calendar.latest_start(self.passing.as_of, window, self.passing.house.zone)
            if not self._recent.reach(cap, after, self.planned_now, self._asking):
                continue
            found = self._rule("cap", asked, cap=cap.name, at_most=cap.at_most, after=after)
            yield self._with_room(found, window)

    def _with_room(self, found: str, window: calendar.Span) -> str:
        """Until when each waits: the touch that makes room, and the cap's days after it."""
        instants = [row[0] for row in self.engine.execute(f"SELECT DISTINCT until_at FROM {found}")]
        until = [calendar.add(instant, window, self.passing.house.zone) for instant in instants]
        kind = pa.timestamp("us")
        self.engine.register("room", pa.table({"made_at": pa.array(instants, kind), "until_at": pa.array(until, kind)}))
        table = self.passing.moving.name("refused")
        self.engine.execute(f"""
            CREATE OR REPLACE TEMP TABLE {table} AS
            SELECT f.* REPLACE (r.until_at AS until_at) FROM {found} AS f JOIN room AS r ON r.made_at = f.until_at""")
        return table
