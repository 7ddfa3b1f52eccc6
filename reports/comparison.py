"""What attribution claims, what the holdout finds, and what was true, of one world, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

from marketing.roi import Lift, effect_seen
from reports.worlds import Draw

__all__ = ["Comparison", "of_draws"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One chain in one world; amounts are sums over the treated, in the house's currency.

    `planted` is the truth, None where it is not known (any real warehouse). `draws` are the same world under other
    seeds, the first of them its own where the world was drawn.
    """

    world: str
    chain: str
    explained: str
    attributed: float
    lift: Lift
    planted: float | None = None
    draws: tuple[Draw, ...] = ()

    @property
    def seen(self) -> float:
        """The smallest true effect, summed over the treated, that this holdout finds nine times of ten."""
        return effect_seen(self.lift.error) * self.lift.treated.n

    @property
    def excess(self) -> str:
        """How far attribution is from the truth, in words; empty where the truth is not known."""
        if self.planted is None:
            return ""
        if not self.planted:
            return "all of it would have come anyway" if self.attributed else ""
        return f"{self.attributed / self.planted:.1f} times the truth"

    @property
    def covering(self) -> int:
        """Under how many seeds the interval held the truth."""
        return sum(draw.covers for draw in self.draws)

    @property
    def claiming(self) -> int:
        """Under how many seeds the holdout claimed a gain or a loss."""
        return sum(draw.lift.enough for draw in self.draws)


def of_draws(world: str, explained: str, draws: Sequence[Draw]) -> Comparison:
    """The world of the first draw, with all of them behind it. Raises ValueError without any, or of several chains."""
    if not draws or len({draw.chain for draw in draws}) != 1:
        raise ValueError(f"world {world!r} has draws of {len({d.chain for d in draws})} chains; accepted: of one chain")
    first = draws[0]
    return Comparison(world, first.chain, explained, first.attributed, first.lift, first.planted, tuple(draws))
