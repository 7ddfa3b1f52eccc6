"""What the gate needs to know of each contact: a narrow derived part, corrected by what was listed since."""

from datetime import datetime

from marketing.channels import CHANNELS, EMAIL, FEED, PHONE, POST, SMS, VOICE, WEBHOOK
from marketing.gate import CHANNEL_BITS, consent_bit
from marketing.steps import COMMERCIAL, RELATIONSHIP
from warehouse import schema
from warehouse.commit import HeadMoved
from warehouse.engine import statement
from warehouse.passing.reading import Reading

__all__ = ["prepare_standing", "refresh_standing"]

#: Written again once more than one contact in this many has changed since.
REWRITE = 20

PAIRS = frozenset((channel, str(purpose)) for channel in CHANNELS for purpose in (COMMERCIAL, RELATIONSHIP))
_BITS = {
    "email_bits": CHANNEL_BITS[EMAIL],
    "phone_bits": CHANNEL_BITS[SMS] | CHANNEL_BITS[PHONE] | CHANNEL_BITS[VOICE],
    "post_bits": CHANNEL_BITS[POST],
    "open_bits": CHANNEL_BITS[FEED] | CHANNEL_BITS[WEBHOOK],
}


def prepare_standing(passing) -> None:
    """Make the view `standing`, one row per contact of the slice, true as of the pass's snapshot.

    The derived part is a function of the parts up to its `upto`; contacts named in consents
    or orders listed since are computed again on top of it. Other contacts (any slice: shared
    addresses) make it anew.
    """
    engine, part = passing.engine, schema.part
    kept = passing.parts("standing")
    upto = kept[-1].upto if kept else -1
    anew = not kept or bool(passing.parts("contacts", part.c.place > upto, slice=None))
    passing.scan("standing", "standing_kept", parts=kept[-1:], constants=False)
    if not anew:
        engine.execute("CREATE OR REPLACE TEMP TABLE changed AS " + " UNION ".join(
            f"SELECT contact_id FROM {passing.scan(tbl, f'{tbl}_since', part.c.place > upto, constants=False)}"
            for tbl in ("consents", "orders")))
        changed = engine.count("changed")
        if not changed:
            engine.execute("CREATE OR REPLACE TEMP VIEW standing AS SELECT * FROM standing_kept")
            return
        anew = changed * REWRITE > engine.count("standing_kept")
    _compute(passing, everybody=anew)
    if anew:
        engine.execute("CREATE OR REPLACE TEMP VIEW standing AS SELECT * FROM standing_computed")
        passing.commit.retire([p.n for p in kept])
        passing.commit.add("standing", "standing_computed", slice=passing.slice, upto=passing.n, run=None)
    else:
        engine.execute("""
            CREATE OR REPLACE TEMP VIEW standing AS
            SELECT k.* FROM standing_kept AS k ANTI JOIN changed AS c ON c.contact_id = k.contact_id
            UNION ALL BY NAME SELECT * FROM standing_computed""")


def refresh_standing(warehouse, *, run: str, as_of: datetime) -> None:
    """Write what the gate needs to know anew where it has changed: after a load, so that no pass has to."""
    for slice in warehouse.slices():
        room = _Room(warehouse, slice, run, as_of)
        try:
            prepare_standing(room)
            room.commit.apply()
        except HeadMoved:
            continue  # a pass was faster: the derived part is there
        finally:
            room.engine.close()


class _Room(Reading):
    """What `prepare_standing` needs of a pass, outside one."""

    def __init__(self, warehouse, slice: int, run: str, as_of: datetime):
        super().__init__(warehouse, slice, warehouse.engine())
        self.commit = warehouse.commit(run=run, as_of=as_of, engine=self.engine)
        self.n = warehouse.number()


def _compute(passing, everybody: bool) -> None:
    """The table standing_computed: of everybody, or of the `changed`, whose addresses are those of standing_kept."""
    engine = passing.engine
    for tbl in ("consents", "orders"):
        passing.scan(tbl, f"{tbl}_all", constants=False)
        made, only = ("VIEW", "") if everybody else ("TABLE", " AS a SEMI JOIN changed AS c ON c.contact_id = a.contact_id")
        engine.execute(f"CREATE OR REPLACE TEMP {made} {tbl}_now AS SELECT * FROM {tbl}_all{only}")
    if everybody:
        addressed, values = _addressed(passing), _BITS
    else:
        addressed, values = "SELECT k.* FROM standing_kept AS k SEMI JOIN changed AS c ON c.contact_id = k.contact_id", {}
    said = _said(engine.execute("SELECT DISTINCT channel, purpose FROM consents_now"))
    with engine.dense(engine.count("contacts_now") if everybody else 0):
        engine.execute(f"CREATE OR REPLACE TEMP TABLE standing_computed AS WITH addressed AS ({addressed}), said AS ({said}) "
                       + statement("passing/standing"), **values)


def _addressed(passing) -> str:
    """The query of everybody's addresses, beside tables of those that several contacts of the house have.

    Of the other slices only the addresses that stand in this one too are counted: they fit into memory, however many
    slices there are.
    """
    passing.scan("contacts", "contacts_now", constants=False)
    passing.scan("contacts", "contacts_everywhere", slice=None, constants=False)
    several = len(passing.warehouse.slices()) > 1
    for key in ("email", "phone"):
        ours = f"SEMI JOIN contacts_now AS n ON n.{key}_key = e.{key}_key" if several else ""
        passing.engine.execute(f"""
            CREATE OR REPLACE TEMP TABLE shared_{key}s AS SELECT e.{key}_key FROM contacts_everywhere AS e {ours}
            WHERE e.{key}_key IS NOT NULL GROUP BY e.{key}_key HAVING count(*) > 1""")
    return statement("passing/addressed")


def _said(found: list[tuple[str, str]]) -> str:
    """The query of what each contact's last words grant and refuse, as bits; of two words at one instant the refusal.

    A column for each channel and purpose that was `found`, the last word as one number in it, odd for a refusal:
    one grouping by contact, half the CPU of one by contact and pair.
    """
    bits = {pair: consent_bit(*pair) for pair in sorted(PAIRS.intersection(found))}
    if not bits:
        return "SELECT 0::BIGINT AS contact_id, 0::UINTEGER AS granted, 0::UINTEGER AS refused WHERE false"
    words = ", ".join(f"max(CASE WHEN channel = '{channel}' AND purpose = '{purpose}' THEN word END) AS word_{bit}"
                      for (channel, purpose), bit in bits.items())
    granted, refused = (" | ".join(f"CASE WHEN word_{bit} % 2 {sign} 0 THEN {bit} ELSE 0 END" for bit in bits.values())
                        for sign in ("=", "<>"))
    return f"""
        SELECT contact_id, ({granted})::UINTEGER AS granted, ({refused})::UINTEGER AS refused FROM (
            SELECT contact_id, {words} FROM (
                SELECT contact_id, channel, purpose,
                       epoch_us(happened_at) * 2 + (status <> 'granted')::BIGINT AS word FROM consents_now
            ) AS c GROUP BY contact_id
        ) AS w"""
