"""What `relance go-live` looks at: everything that must be there before a message of this house reaches anybody."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from flows.cli.findings import Finding, good, remark, wrong

__all__ = ["missing"]

#: A backup older than this is none.
FRESH = timedelta(days=7)
#: Channels of which every touch is paid for.
PAID = ("sms", "phone", "voice", "post")
#: Channels that the law opens at certain hours only.
TIMED = ("sms", "phone", "voice")
#: Names that lead nowhere: those kept for examples and tests (RFC 2606, 6761), and this machine.
NOWHERE = ("example", "invalid", "test", "localhost", "local", "example.com", "example.org", "example.net")
_HOUSE, _POLICY = "${EDITOR:-vi} house.toml", "${EDITOR:-vi} policy.toml"


def missing(environ: Mapping[str, str], wired: Any) -> Iterator[Finding]:
    """Every finding, good ones too; what is wrong names the command that mends it. What doctor finds comes last."""
    from flows.cli.doctor import examined, safely

    for check in (ledger, people, senders, unsubscribe, tariffs, seeds, backup, policy):
        yield from safely(check, wired)
    yield from safely(secret, environ, wired)
    own = ("connector ", "secret key", "environment")
    faults = [one for one in examined(environ, lambda: wired) if one.state == "wrong" and not one.about.startswith(own)]
    yield from faults
    if not faults:
        yield good("doctor", "nothing else is wrong")
    yield from house(wired)


def ledger(wired: Any) -> Iterator[Finding]:
    """The ledger is one of test, by the real clock, in which nobody has entered a chain."""
    import sqlalchemy as sa
    from warehouse.environment import environment_of
    from warehouse.schema import wave

    found, other = environment_of(wired.warehouse.ledger), "export RELANCE_HOME=ANOTHER_FOLDER"
    with wired.warehouse.ledger.read() as tx:
        entered = tx.execute(sa.select(sa.func.sum(wave.c.entered))).scalar() or 0
    if found != "test":
        yield wrong("ledger", f"it is of {found}, and only one of test goes live", other)
    elif wired.warehouse.clock.simulated():
        yield wrong("ledger", "its clock is simulated", other)
    elif entered:
        yield wrong("ledger", f"{int(entered):,} contacts have entered chains while this was {found}, and count as written to by "
                    "messages that never reached them; go live with a home and a ledger of its own", other)
    else:
        yield good("ledger", "of test, by the real clock, and nobody is in a chain")


def people(wired: Any) -> Iterator[Finding]:
    """Contacts are loaded, and what they have consented to or refused."""
    import sqlalchemy as sa
    from warehouse.schema import part

    query = sa.select(part.c.tbl, sa.func.sum(part.c.rows)).where(part.c.retired_n.is_(None)).group_by(part.c.tbl)
    with wired.warehouse.ledger.read() as tx:
        rows = {tbl: int(many) for tbl, many in tx.execute(query)}
    for tbl in ("contacts", "consents"):
        if rows.get(tbl):
            yield good(tbl, f"{rows[tbl]:,} rows")
        else:
            yield wrong(tbl, "none was loaded", f"relance load {tbl} FILE")
    if not rows.get("suppressions"):
        yield remark("suppressions", "none was loaded: nobody has ever objected?", "relance load suppressions FILE")


def senders(wired: Any) -> Iterator[Finding]:
    """Every connector that serves a channel could send now, under a sender of its own; one of them reaches real people."""
    from flows.check_connectors import looked_at

    house, real = wired.warehouse.house, []
    for one in [one for one in looked_at(wired) if one.channels]:
        about = f"connector {one.connector}"
        if not one.healthy:
            said = "; ".join(one.problems) or f"is stopped: {one.stopped}"
            yield wrong(about, said, f"relance connectors check {one.connector}")
            continue
        settings = wired.connectors[one.connector].settings
        sender = one.sender or getattr(settings, "sender", "")
        if wired.connectors[one.connector].capabilities().real_addresses:
            real.append(one.connector)
            if not sender:
                yield wrong(about, "names no sender", f"{_HOUSE} # [connectors.{one.connector}] sender")
                continue
            yield good(about, f"{', '.join(one.channels)} from {sender}")
        else:
            yield remark(about, f"{', '.join(one.channels)}: reaches nobody by itself; somebody carries on what it writes")
    if not real:
        yield wrong("connectors", f"no channel is served by one that reaches real people; served: {', '.join(house.channels)}",
                    f"{_HOUSE} # [channels]")


def unsubscribe(wired: Any) -> Iterator[Finding]:
    """Whoever gets an e-mail can leave by a link that leads somewhere and that mailbox providers can follow with one click."""
    house = wired.warehouse.house
    url = house.urls.get("unsubscribe", "")
    host = (urlsplit(url).hostname or "").lower()
    mend = f"{_HOUSE} # [urls]"
    if not url:
        yield wrong("unsubscribe", "house.toml has no [urls] unsubscribe", mend)
    elif not url.startswith("https://"):
        yield wrong("unsubscribe", f"{url} is not https://, which List-Unsubscribe by one click needs", mend)
    elif "." not in host or any(host == name or host.endswith(f".{name}") for name in NOWHERE):
        yield wrong("unsubscribe", f"{url} leads nowhere", mend)
    else:
        yield good("unsubscribe", f"{url}, in every e-mail and as List-Unsubscribe by one click")
    mail = house.channels.get("email")
    if mail and not getattr(wired.connectors[mail].settings, "require_unsubscribe", True):
        yield wrong("unsubscribe", f"connector {mail} sends what carries no way out (require_unsubscribe = false)",
                    f"{_HOUSE} # [connectors.{mail}] require_unsubscribe")


def tariffs(wired: Any) -> Iterator[Finding]:
    """Each channel that is paid for by the touch has its price."""
    house = wired.warehouse.house
    free = [channel for channel in house.channels if not house.costs[channel]]
    for channel in free:
        if channel in PAID:
            yield wrong("tariffs", f"costs.{channel} is 0, and every touch by {channel} is paid for", f"{_HOUSE} # [costs]")
        else:
            yield remark("tariffs", f"costs.{channel} is 0: reports take it as free")
    if not set(free) & set(PAID):
        yield good("tariffs", ", ".join(f"{channel} {house.costs[channel]:f} {house.currency}" for channel in house.channels))
    if house.margin_rate is None:
        yield remark("margin", "house.toml has no margin_rate: without it reports show revenue, never return on investment")


def seeds(wired: Any) -> Iterator[Finding]:
    """Somebody of the house gets a copy of every wave, and sees what contacts see."""
    import sqlalchemy as sa
    from warehouse.acts import seed

    with wired.warehouse.ledger.read() as tx:
        many = tx.execute(sa.select(sa.func.count()).select_from(seed)).scalar_one()
    yield good("seeds", f"{many:,}") if many else wrong(
        "seeds", "nobody of the house gets a copy of what leaves", "relance seeds add NAME --email ADDRESS")


def backup(wired: Any) -> Iterator[Finding]:
    """There is a backup that is not older than a week."""
    from warehouse.backing_up import last

    made = last(wired.warehouse.ledger)
    if made is None or wired.warehouse.clock.now() - made.at > FRESH:
        said = "none is known" if made is None else f"the last is of {made.at:%Y-%m-%d}, older than {FRESH.days} days"
        yield wrong("backup", said, "relance backup FOLDER")
    else:
        yield good("backup", f"{made.at:%Y-%m-%d %H:%M} UTC by {made.by}, {made.how}")


def policy(wired: Any) -> Iterator[Finding]:
    """Channels that are open at certain hours only have theirs, and no contact can be written to without end."""
    rules, house = wired.warehouse.policy, wired.warehouse.house
    open_always = [channel for channel in TIMED if channel in house.channels and channel not in rules.hours]
    for channel in open_always:
        yield wrong("policy", f"{channel} has no hours: contacts would be reached at night", f"{_POLICY} # [[hours]]")
    if not rules.caps:
        yield wrong("policy", "there is no cap: nothing bounds how often a contact is written to", f"{_POLICY} # [[cap]]")
    if rules.caps and not open_always:
        caps = ", ".join(cap.name for cap in rules.caps)
        yield good("policy", f"hours of {', '.join(sorted(rules.hours)) or 'no channel'}; caps {caps}")


def secret(environ: Mapping[str, str], wired: Any) -> Iterator[Finding]:
    """The key is given by the environment, so that it outlives this machine, and cannot be guessed."""
    from flows.cli.checkups import SECRET

    own = wired.warehouse.home / "secret.key"
    given = environ.get("RELANCE_SECRET_KEY", "").encode()
    if not given and own.is_file():  # the addresses that are loaded were hashed with it: another would know nobody
        yield wrong("secret key", f"it is in {own} alone, and is lost with this machine",
                    f"export RELANCE_SECRET_KEY=$(cat {own})")
    elif len(given) < SECRET:
        yield wrong("secret key", f"RELANCE_SECRET_KEY has {len(given)} bytes; accepted: {SECRET} or more",
                    "export RELANCE_SECRET_KEY=$(python3 -c 'import secrets; print(secrets.token_hex(32))')")
    elif own.is_file() and own.read_bytes() != given:
        yield wrong("secret key", f"RELANCE_SECRET_KEY is not what addresses were hashed with ({own})",
                    f"export RELANCE_SECRET_KEY=$(cat {own})")
    else:
        yield good("secret key", "from RELANCE_SECRET_KEY; keep it where the backups are not")


def house(wired: Any) -> Iterator[Finding]:
    """house.toml says live: the last thing to be written, for nothing else runs from then on until the ledger is live too."""
    said = wired.warehouse.house.environment
    yield good("house.toml", "environment = 'live'") if said == "live" else wrong(
        "house.toml", f"environment = {said!r}; write environment = \"live\" once all else is there", _HOUSE)
