"""The page of a rehearsal: what a chain would do, in Markdown that needs nothing else."""

from collections import Counter
from collections.abc import Iterable, Sequence

from marketing.forecast import Forecast, Sight
from marketing.gate import REASONS
from marketing.spread import Predicted
from reports.words import count, money, percent

__all__ = ["between", "foretold"]

#: Of a long series so many weeks are told one by one.
WEEKS = 26


def foretold(told: Forecast) -> str:
    """The Markdown of a rehearsal: GitHub tables, nobody's data."""
    parts = [f"# {_words(told.chain)}, rehearsed",
             "> **Rehearsed.** Nothing of this was done: nobody was moved, nothing was sent.", str(told)]
    if told.waits_for:
        return "\n\n".join(parts) + "\n"
    parts += ["## Touches and cost", _table(
        ["Step", "Channel", "Touches", "95 % interval", "Cost", "95 % interval"],
        [[_words(one.step), one.channel, count(round(one.touches.value)), between(one.touches),
          money(one.cost.value, told.currency), between(one.cost, told.currency)] for one in told.touches] + [
         ["**all**", "", count(round(told.whole.value)), between(told.whole), money(told.cost.value, told.currency),
          between(told.cost, told.currency)]])]
    parts += _refused(told) + _weeks(told) + _answers(told) + _sight(told.sight) + _standing(told)
    return "\n\n".join([*parts, _footing(told)]) + "\n"


def between(told: Predicted, currency: str = "") -> str:
    """The interval: 120 to 140; with a currency as amounts."""
    if currency:
        return f"{money(told.low, currency).removesuffix(' ' + currency)} to {money(told.high, currency)}"
    return f"{told.low:,.0f} to {told.high:,.0f}"


def _refused(told: Forecast) -> list[str]:
    rows = [[_words(step), REASONS.get(reason, _words(reason)), count(many)] for step, reason, many in told.refused]
    return ["## Refused, and why", _table(["Step", "Reason", "Touches"], rows)] if rows else []


def _weeks(told: Forecast) -> list[str]:
    """Touches by week and channel, with the busiest day of each: what agendas and printers have to bear."""
    channels = sorted({one.channel for one in told.days})
    weeks: dict[tuple[int, int], Counter] = {}
    for one in told.days:
        weeks.setdefault(one.day.isocalendar()[:2], Counter())[one.channel] += one.touches
    most = {channel: max(one.touches for one in told.days if one.channel == channel) for channel in channels}
    rows = [[f"{year} week {week}", *(count(by[channel]) for channel in channels)]
            for (year, week), by in list(weeks.items())[:WEEKS]]
    rows.append(["**most on one day**", *(count(most[channel]) for channel in channels)])
    return ["## By week", _table(["Week", *channels], rows)] if channels else []


def _answers(told: Forecast) -> list[str]:
    rows = [[_words(one.step), one.channel or "–", _words(one.kind), percent(one.share, 2), count(round(one.answers.value)),
             between(one.answers), one.source + (f" ({one.of:,})" if one.of else "")] for one in told.answers if one.share]
    head = ["Step", "Channel", "Answer", "Share", "Answers", "95 % interval", "From"]
    return ["## Expected answers", _table(head, rows)] if rows else []


def _sight(seen: Sight | None) -> list[str]:
    if seen is None:
        return ["## What the holdout can see", "Nothing: there is no holdout, or nobody knows what the untreated do."]
    waves = ", ".join(f"{uplift} after {count(many)}" for uplift, many in seen.waves.items())
    return ["## What the holdout can see",
            f"{count(seen.treated)} treated against {count(seen.held_out)} held out, of whom {percent(seen.share, 2)} reach the "
            f"goal anyway ({seen.source}): the smallest difference that is found four times of five is "
            f"**{100 * seen.smallest:.2f} points**.", f"Waves of this size, pooled, until an uplift is found: {waves}."]


def _standing(told: Forecast) -> list[str]:
    ends: Counter = Counter()
    for _, _, to, many in told.edges:
        if to == "goal" or to.partition(":")[0] in ("exit", "enrol", "suppress"):
            ends[to] += many
    rows = [[_words(step), "stands there", count(many)] for step, many in told.standing.items()]
    rows += [[_words(end), "has come to this end", count(many)] for end, many in sorted(ends.items())]
    branches = [[_words(from_), _words(on), _words(to), count(many)] for from_, on, to, many in told.edges if from_]
    return [*(["## Where everybody is at the end", _table(["Step", "", "Contacts"], rows)] if rows else []),
            *(["## Ways taken", _table(["From", "On", "To", "Contacts"], branches)] if branches else [])]


def _footing(told: Forecast) -> str:
    inside = f" {count(told.inside)} contacts were in the chain already, and are among them." if told.inside else ""
    return (f"From {told.as_of:%Y-%m-%d %H:%M} to {told.reached:%Y-%m-%d %H:%M} UTC in {count(told.passes)} passes.{inside} "
            "An interval holds what happens 95 times of 100 where the shares are true; it knows nothing of shares that were "
            "given or assumed and are not.")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def _words(name: str) -> str:
    return name.replace("_", " ")
