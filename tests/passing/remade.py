"""A small season to be made again, and the words in which the tests of replays ask for it."""

from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from flows.replaying import NOTHING, Change, replay
from marketing.chain import (
    CLICKED,
    COMMERCIAL,
    PURCHASED,
    RELATIONSHIP,
    Chain,
    Delay,
    Enrol,
    Exit,
    Experiment,
    Goal,
    Send,
    Suppress,
    WaitFor,
    days,
    weeks,
)
from marketing.options import RunOptions
from marketing.policy import Policy
from tests.passing.shop import START, Shop
from warehouse.acts import replay as kept

_numbers = count()
EVERYBODY = "SELECT contact_id FROM contacts WHERE created_at <= $as_of"
CAP = 'country = "FR"\n[[cap]]\nname = "few"\nat_most = {at_most}\nwithin_days = {within_days}\n'
LOOSE = CAP.format(at_most=3, within_days=7)


def commercial(name: str, by: str = "email") -> Send:
    return Send(name, by=by, message="m", purpose=COMMERCIAL)


WELCOME = Chain(
    name="welcome", title="Welcome", kind="loyalty", audience="all", goal=Goal(PURCHASED, within=weeks(6)), holdout=0.2,
    steps=[Experiment("which", {"mail": [commercial("mail")], "text": [commercial("text", "sms")]}),
           WaitFor("answer", within=days(3), on={CLICKED: [Enrol("after")]}, otherwise=[Delay(days(2)), commercial("again")]),
           WaitFor("last", within=days(4), on={CLICKED: [Exit("heard")]}, otherwise=[Suppress("silent")])])
AFTER = Chain(
    name="after", title="After", kind="loyalty", audience="nobody",
    steps=[commercial("thanks"), Delay(days(1)), Send("letter", by="post", message="m", purpose=RELATIONSHIP)])
WEEKLY = Chain(name="weekly", title="Weekly", kind="loyalty", audience="all", reenter_after=days(6), steps=[commercial("news")])


def season(home: Path, patch: pytest.MonkeyPatch) -> Shop:
    """Two weeks of three chains over three slices, with answers, orders, refusals of consent and a household."""
    here = Shop(home, patch, WELCOME, AFTER, WEEKLY, policy=LOOSE, slice_bits=4, queries={"all": EVERYBODY})
    here.contacts(*({"contact_id": number, "created_at": START + timedelta(days=number % 5),
                     "email": f"c{min(number, 40)}@example.org"} for number in range(1, 44)))
    here.put("consents", *({"contact_id": number, "channel": channel, "purpose": "commercial", "status": "granted",
                            "happened_at": START} for number in range(1, 44) if number % 9 for channel in ("email", "sms")))
    for day in (0, 1, 2, 3, 5, 8, 12):
        now = START + timedelta(days=day)
        if day == 2:
            here.warehouse.clock.advance(now)
            for contact in here.rows("SELECT contact_id FROM touches WHERE step = 'mail' ORDER BY 1 LIMIT 9"):
                here.answer(CLICKED, contact[0], "mail")
            here.order(4, now)
        if day == 4:
            here.consent(7, "email", "commercial", "refused", now)
        for chain in ("welcome", "after", "weekly"):
            here.passes(chain, now, **({"options": RunOptions(at_most=5)} if day == 1 and chain == "weekly" else {}))
    return here


def runs_of(here) -> list[str]:
    """The runs that have a record, in order."""
    with here.warehouse.ledger.read() as tx:
        return sorted(tx.execute(sa.select(kept.c.run).distinct()).scalars(), key=lambda run: int(run.split("-")[-1]))


def again(here, run: str, change: Change = NOTHING):
    """The pass made again, by a run of a number of its own."""
    return replay(here.wired, run, change, run=f"again-{next(_numbers)}")


def differing(here, runs: list[str]) -> dict:
    """Of those runs whose replay differs, the first rows that do."""
    made = {run: again(here, run).compared for run in runs}
    return {run: compared.shown for run, compared in made.items() if not compared.equal}


def tighter(here, **numbers) -> Change:
    """Another policy: its one cap has these numbers."""
    path = here.warehouse.home / "other.toml"
    path.write_text(CAP.format(**numbers))
    return Change(policy=Policy.read(path))
