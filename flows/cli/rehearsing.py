"""`relance rehearse`: the whole base through a chain, up to a horizon, and nothing of it done."""

import json
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.answering import USAGE, WAITS, Answer, Refused, answers

__all__ = ["rehearse"]


@answers
def rehearse(
    chain: Annotated[str, typer.Argument(help="The chain, by the name of its folder.", show_default=False)],
    until: Annotated[str | None, typer.Option("--until", metavar="DATE|WEEKS", show_default=False, help=(
        "How far to look ahead: a date, or a number of weeks; none: until nobody is due, half a year at most."))] = None,
    param: Annotated[list[str] | None, typer.Option("--param", metavar="NAME=VALUE", show_default=False,
                                                    help="A parameter of the wave; may be given several times.")] = None,
    rates: Annotated[list[str] | None, typer.Option("--rates", metavar="KIND=SHARE|FILE", show_default=False, help=(
        "How many answer, over what past waves say: clicked=0.05, STEP.clicked=0.05, holdout.purchased=0.02, or a file "
        "of them (.toml, .json); may be given several times."))] = None,
    at_most: Annotated[int | None, typer.Option("--at-most", metavar="N", show_default=False, min=1, help=(
        "No more of the audience than this enter, drawn by chance."))] = None,
) -> Answer:
    """Rehearse a chain: the whole base, the live rules, a clock that runs ahead, answers that are drawn.

    Nothing is moved or sent. Ends with 3 when the chain waits for its sources: then nothing could be told.
    """
    import chains
    from flows.cli import running
    from flows.cli.moving import _values
    from flows.cli.showing import working
    from marketing.options import RunOptions

    brief, wired = chains.load(chain), running.opened()
    values, given, upto = _values(brief.params, param or []), _rates(rates or []), _until(until, wired)
    running.quiet_prefect()
    with working(f"rehearsing {chain}", 1) as tell:
        from flows.rehearsal import kept_forecast

        told = kept_forecast(wired, chain, brief.params(**values), RunOptions(rehearse=True, at_most=at_most), until=upto,
                             rates=given, progress=tell, **running.run_of_own("rehearsal"))
    return Answer(told.to_json(), list(_shown(told)), WAITS if told.waits_for else 0)


def _shown(told) -> Any:
    from flows.cli.showing import table
    from reports.foretold import between
    from reports.words import money, percent

    yield str(told)
    if told.waits_for:
        return
    yield table(["Step", "Channel", "Touches#", "95 % interval#", "Cost#", "95 % interval#"],
                [(one.step, one.channel, round(one.touches.value), between(one.touches), money(one.cost.value, told.currency),
                  between(one.cost, told.currency)) for one in told.touches])
    if told.refused:
        yield table(["Step", "Refused because", "Touches#"],
                    [(step, reason.replace("_", " "), many) for step, reason, many in told.refused])
    busiest = [max((one for one in told.days if one.channel == channel), key=lambda one: one.touches)
               for channel in told.channels]
    if busiest:
        yield table(["Channel", "Busiest day", "Touches#"], [(one.channel, one.day.isoformat(), one.touches) for one in busiest])
    if told.answers:
        yield table(["Step", "Answer", "Share#", "Answers#", "95 % interval#", "From"],
                    [(one.step, one.kind, percent(one.share, 2), round(one.answers.value), between(one.answers),
                      one.source + (f" ({one.of:,})" if one.of else "")) for one in told.answers if one.share])
    if told.standing:
        yield "At the end stand: " + ", ".join(f"{many:,} at {step}" for step, many in told.standing.items()) + "."
    if told.sight:
        waves = ", ".join(f"{uplift} after {many:,}" for uplift, many in told.sight.waves.items())
        yield (f"The holdout sees a difference of {100 * told.sight.smallest:.2f} points or more, four times of five "
               f"(the untreated: {percent(told.sight.share, 2)}, {told.sight.source}). "
               f"Waves of this size until an uplift is seen: {waves}.")
    yield f"Days, ways and sources: the same command with --json. In earnest: relance pass {told.chain}"


def _rates(given: list[str]) -> list[tuple[str, object]]:
    """The rates of --rates, those of files among them: tables of a file are steps or channels. Raises Refused."""
    found: list[tuple[str, object]] = []
    for one in given:
        name, equals, share = one.partition("=")
        found += [(name.strip(), share.strip())] if equals else _of_file(Path(one))
    return found


def _of_file(path: Path) -> list[tuple[str, object]]:
    try:
        text = path.read_text(encoding="utf-8")
        read = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise Refused(f"--rates {path}: {error}; accepted: KIND=SHARE such as clicked=0.05, or a file of them, .toml or .json.",
                      USAGE) from None
    flat: list[tuple[str, object]] = []
    for name, value in read.items():
        flat += [(f"{name}.{kind}", share) for kind, share in value.items()] if isinstance(value, dict) else [(name, value)]
    return flat


def _until(text: str | None, wired) -> datetime | None:
    from marketing.calendar import add, read_moment, weeks

    now, zone = wired.warehouse.clock.now(), wired.warehouse.house.zone
    if text is None:
        return None
    if text.isdigit() and len(text) < 4:
        return add(now, weeks(int(text)), zone)
    moment = read_moment(text, zone)
    if moment is None or moment < now:
        raise Refused(f"--until {text!r}; accepted: a number of weeks such as 12, or a date to come such as 2026-11-24 ({zone}).",
                      USAGE)
    return moment
