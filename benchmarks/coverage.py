"""How often the holdout's interval holds the truth, by how many buyers it has: real orders, no effect, many draws."""

import gzip
from pathlib import Path

import numpy as np

from marketing.roi import Moments, lift

DATA = Path(__file__).parent.parent / "demo" / "data" / "cdnow.txt.gz"
CUSTOMERS = 23_570
#: orders after the first day and until the last, six weeks later
FIRST, LAST = "19971001", "19971112"
DRAWS = 4000
HELD_OUT = (50, 200, 400, 800, 1500, 3000)
TREATED_EACH = 9


def revenue() -> np.ndarray:
    """What each customer spent in the six weeks, zeros included."""
    spent = np.zeros(CUSTOMERS)
    with gzip.open(DATA, "rt", encoding="ascii") as lines:
        next(lines)
        for line in lines:
            customer, day, _, amount = line.split()
            if FIRST < day <= LAST:
                spent[int(customer) - 1] += float(amount)
    return spent


def draw(spent: np.ndarray, held_out: int, rng: np.random.Generator) -> tuple[int, float, float]:
    """Buyers of the holdout and the interval, where both arms are drawn from the same customers."""
    arms = [spent[rng.integers(0, len(spent), n)] for n in (TREATED_EACH * held_out, held_out)]
    treated, holdout = (Moments(len(arm), arm.sum(), (arm * arm).sum(), int((arm > 0).sum())) for arm in arms)
    found = lift(treated, holdout)
    return holdout.buyers, found.low, found.high


def main() -> None:
    """Print the table of docs/metrics.md."""
    spent, rng = revenue(), np.random.default_rng(0)
    print("| buyers in the holdout | truth inside the 95 % interval | a gain claimed though there is none |")
    print("| ---: | ---: | ---: |")
    for held_out in HELD_OUT:
        buyers, low, high = np.array([draw(spent, held_out, rng) for _ in range(DRAWS)]).T
        print(f"| {buyers.mean():.0f} | {100 * ((low <= 0) & (high >= 0)).mean():.1f} % | {100 * (low > 0).mean():.1f} % |")


if __name__ == "__main__":
    main()
