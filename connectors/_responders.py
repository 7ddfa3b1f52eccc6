"""The invented people: what each of them does with a touch, drawn from counters so that nothing depends on order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np
from scipy.special import ndtri

__all__ = ["MANNERS", "Manner", "Reaction", "World", "occasion", "splitmix64"]

#: Pressure halves in this many days.
HALF_LIFE_DAYS = 14.0
#: How fast pressure raises the wish to leave, and lowers the wish to act.
IRRITATION, FATIGUE = 0.25, 0.12
#: The share of contacts who have lost interest, and what is left of theirs.
LAPSED, LAPSED_INTEREST = 0.35, 0.4
#: Interest in the channel a contact prefers, and in the others.
PREFERRED, OTHERS = 2.0, 2 / 3


@dataclass(frozen=True, slots=True)
class Manner:
    """How people take one channel; probabilities are of one touch to a contact of average interest.

    All numbers are invented for trials of the software; they are no benchmark of any trade.
    """

    #: weight of one touch in the account of pressure
    weight: float
    #: clicks (post: coupons, phone: pleasant outcomes)
    click: float
    #: extra purchases caused by one touch
    lift: float
    #: hazard of leaving at no pressure, and the share of leavers who complain
    leave: float
    complain: float
    #: addresses that do not exist
    invalid: float
    #: Weibull delay from arrival to act: shape, scale in days (email: half within 2 days, 90 % within 7)
    shape: float = 0.9583
    scale: float = 2.9318
    #: opens and clicks by machines
    machine: float = 0.0


MANNERS: Mapping[str, Manner] = {
    "email": Manner(1, 0.030, 0.006, 0.0008, 0.2, 0.015, machine=0.01),
    "sms": Manner(3, 0.045, 0.010, 0.004, 0.1, 0.020, scale=0.8),
    "post": Manner(2, 0.020, 0.012, 0.0005, 0.0, 0.030, scale=6.0),
    "phone": Manner(8, 0.120, 0.030, 0.006, 0.1, 0.040, shape=1.0, scale=3.04),
    "voice": Manner(5, 0.010, 0.004, 0.006, 0.2, 0.040, scale=1.0),
}


@dataclass(frozen=True, slots=True)
class Reaction:
    """What a batch of touches brings about, one entry per touch; delays in seconds after arrival.

    `y0` and `y1` are the purchase without and with the touch, decided by the same uniform, so y1 >= y0 where
    the effect is not negative, and `y1 & ~y0` is what the touch caused.
    """

    bounced: np.ndarray
    clicked: np.ndarray
    machine: np.ndarray
    left: np.ndarray
    complained: np.ndarray
    p0: np.ndarray
    p1: np.ndarray
    y0: np.ndarray
    y1: np.ndarray
    amount: np.ndarray
    act_after: np.ndarray
    buy_after: np.ndarray
    leave_after: np.ndarray
    outcome: np.ndarray

    @property
    def extra(self) -> np.ndarray:
        return self.y1 & ~self.y0

    @property
    def ignored(self) -> np.ndarray:
        return ~(self.clicked | self.extra)


def splitmix64(x: np.ndarray) -> np.ndarray:
    """Spread 64 bits over 64 bits, one to one (S. Vigna, splitmix64.c; public domain)."""
    with np.errstate(over="ignore"):
        z = np.asarray(x, dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def occasion(text: str) -> int:
    """The 64 bits that stand for a step, an address or a purpose of chance, from its text."""
    return int.from_bytes(sha256(text.encode()).digest()[:8], "big")


@dataclass(frozen=True)
class World:
    """The people of one seed.

    `effect` scales what touches cause (0: nothing), `base` is the chance of a purchase that needs no touch
    (0 where real orders are loaded beside), `order_mean` and `order_spread` (of the logarithm) the lognormal
    amount of an order.
    """

    seed: int
    effect: float = 1.0
    base: float = 0.0
    order_mean: float = 36.0
    order_spread: float = 0.7
    #: what is left of a contact's attention after each touch that it ignored: the silent way of leaving
    attention_kept: float = 0.92
    manners: Mapping[str, Manner] = field(default_factory=lambda: MANNERS)

    def uniform(self, contacts: np.ndarray, step: np.ndarray | int, purpose: str) -> np.ndarray:
        """A number in (0, 1) for each (seed, contact, step, purpose): 53 bits, never 0."""
        bits = splitmix64(np.uint64(self.seed % 2**64))
        for part in (occasion(purpose), step, contacts):
            bits = splitmix64(bits ^ np.asarray(part, dtype=np.uint64))
        return ((bits >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53

    def interest(self, contacts: np.ndarray, channel: str) -> np.ndarray:
        """How much more (or less) than the average each contact acts on this channel; lasting, mean near 1."""
        frailty = -np.log(self.uniform(contacts, 0, "frailty"))
        lapsed = self.uniform(contacts, 0, "lapsed") < LAPSED
        names = sorted(self.manners)
        favourite = np.floor(self.uniform(contacts, 0, "preferred") * len(names)).astype(int)
        taste = np.where(favourite == names.index(channel), PREFERRED, OTHERS)
        return frailty * np.where(lapsed, LAPSED_INTEREST, 1.0) * taste

    def invalid(self, addresses: np.ndarray, channel: str) -> np.ndarray:
        """Whether each address (its 64 bits, see occasion()) does not exist: the same at every touch."""
        return self.uniform(addresses, 0, f"invalid {channel}") < self.manners[channel].invalid

    def react(self, contacts: np.ndarray, addresses: np.ndarray, steps: np.ndarray, channel: str,
              pressure: np.ndarray, attention: np.ndarray) -> Reaction:
        """What one touch per entry brings about.

        `contacts` ids, `addresses` and `steps` their 64 bits; `pressure` the decayed weight of earlier touches,
        `attention` 0 to 1. A pure function: the same entry gives the same reaction in any batch.
        """
        manner = self.manners[channel]
        u = {name: self.uniform(contacts, steps, name)
             for name in ("buy", "click", "leave", "complain", "machine", "act", "buy after", "leave after", "amount",
                          "outcome")}
        bounced = self.invalid(addresses, channel)
        heed = attention * np.exp(-FATIGUE * pressure) * ~bounced
        interest = self.interest(contacts, channel)
        p0 = np.minimum(self.base * interest, 0.5)
        p1 = np.minimum(p0 + self.effect * manner.lift * interest * heed, 0.99)
        y0, y1 = u["buy"] < p0, u["buy"] < p1
        left = (u["leave"] < -np.expm1(-manner.leave * np.exp(IRRITATION * (pressure + manner.weight)))) & ~bounced
        buy_after = self.delay(u["buy after"], manner)
        # who buys because of a touch has acted on it first
        caused = y1 & ~y0
        act_after = np.where(caused, np.maximum(buy_after // 2, 60), self.delay(u["act"], manner))
        return Reaction(
            bounced=bounced, clicked=(u["click"] < np.minimum(manner.click * interest * heed, 0.95)) | caused,
            machine=(u["machine"] < manner.machine) & ~bounced,
            left=left, complained=left & (u["complain"] < manner.complain), p0=p0, p1=p1, y0=y0, y1=y1,
            amount=self.amount(u["amount"]), act_after=act_after, buy_after=buy_after,
            leave_after=self.delay(u["leave after"], manner), outcome=u["outcome"])

    def worth(self, channel: str) -> float:
        """The extra revenue that one touch to a contact without pressure causes, on average over people and addresses."""
        manner, channels = self.manners[channel], len(self.manners)
        interest = (1 - LAPSED + LAPSED * LAPSED_INTEREST) * (PREFERRED + (channels - 1) * OTHERS) / channels
        return self.effect * manner.lift * interest * (1 - manner.invalid) * self.order_mean

    def delay(self, u: np.ndarray, manner: Manner) -> np.ndarray:
        """Weibull delays in whole seconds, from two minutes on."""
        days = manner.scale * (-np.log(u)) ** (1 / manner.shape)
        return 120 + np.floor(days * 86400).astype(np.int64)

    def amount(self, u: np.ndarray) -> np.ndarray:
        """Amounts of orders, in cents' precision, lognormal with mean `order_mean`."""
        centre = np.log(self.order_mean) - self.order_spread**2 / 2
        return np.maximum(np.round(np.exp(centre + self.order_spread * ndtri(u)), 2), 0.01)

    def pressure_left(self, weight: np.ndarray, age_seconds: np.ndarray) -> np.ndarray:
        """What is left of touches' weights after some time."""
        return weight * 2.0 ** (-age_seconds / (HALF_LIFE_DAYS * 86400))
