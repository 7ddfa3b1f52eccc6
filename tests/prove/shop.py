"""An invented shop whose people every shipped chain finds somebody among, and whose names are found nowhere else."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path

__all__ = ["Person", "Shop"]

#: No syllable pair of these is a word of a page, so that a name found is a name that leaked.
BEGIN, END = ("Quex", "Zyb", "Vorx", "Jund", "Wymb", "Xolf", "Pfiq", "Kvar"), ("ovanth", "ildrux", "emmwig", "azolph", "ufjern")


@dataclass(frozen=True)
class Person:
    """Somebody invented: of what is told of a person, all that may stand nowhere in Prefect."""

    number: int
    first_name: str
    last_name: str

    @property
    def client_id(self) -> str:
        return f"ZQ-{self.number:04d}-K"

    @property
    def email(self) -> str:
        return f"{self.first_name}.{self.last_name}.{self.number}@example.org".lower()

    @property
    def phone(self) -> str:
        return f"06392{self.number:05d}"

    @property
    def street(self) -> str:
        return f"{self.number} rue {self.last_name}"

    @property
    def told(self) -> list[str]:
        """Every word by which the person could be known."""
        return [self.client_id, self.first_name, self.last_name, self.email, self.phone, f"+33{self.phone[1:]}", self.street]


@dataclass
class Shop:
    """`size` people: of each ten five bought lately, three long ago, two have just filled in the form."""

    size: int = 300
    day: datetime = datetime(2026, 1, 5, 9)  # a Monday, 10:00 in Paris: every channel is open
    people: list[Person] = field(init=False)

    kinds = ("contacts", "orders", "consents", "suppressions")

    def __post_init__(self):
        names = [begin + end for begin, end in product(BEGIN, END)]
        self.people = [Person(i, names[i % len(names)], names[(7 * i + i // len(names) + 3) % len(names)] + "sen")
                       for i in range(self.size)]

    @property
    def told(self) -> set[str]:
        """Every word by which one of these people could be known."""
        return {word for one in self.people for word in one.told}

    def write(self, folder: Path) -> list[Path]:
        """One file of each kind, as a shop would have them, in the order in which they are loaded."""
        folder.mkdir()
        for kind in self.kinds:
            (folder / f"{kind}.csv").write_text("\n".join(getattr(self, kind)()) + "\n", encoding="utf-8")
        return [folder / f"{kind}.csv" for kind in self.kinds]

    def contacts(self) -> list[str]:
        recent, old = self.day - timedelta(days=1), self.day - timedelta(days=700)
        return ["client_id;email;phone;first_name;last_name;language;postcode;city;address_1;touchpoint;created_at"] + [
            f"{one.client_id};{one.email};{one.phone};{one.first_name};{one.last_name};{'fr' if one.number % 3 else 'en'};57000;"
            f"Metz;{one.street};web form;{recent if one.number % 10 > 7 else old:%Y-%m-%d}" for one in self.people]

    def orders(self) -> list[str]:
        recent, old = self.day - timedelta(days=10), self.day - timedelta(days=580)
        return ["client_id;order_id;line_id;ordered_at;amount"] + [
            f"{one.client_id};O{one.number};1;{recent if one.number % 10 < 5 else old:%Y-%m-%d};{20 + one.number % 60},50"
            for one in self.people if one.number % 10 < 8]

    def consents(self) -> list[str]:
        """Every second asked for the newsletter, leads may be called; of each thirty one refused all e-mail about orders."""
        lines = ["client_id;channel;purpose;status;happened_at"]
        for one in self.people:
            if one.number % 2:
                lines.append(f"{one.client_id};email;commercial;granted;2025-02-01")
            if one.number % 10 == 9:
                lines.append(f"{one.client_id};phone;commercial;granted;2026-01-04")
            if one.number % 30 in (2, 5, 28):
                lines.append(f"{one.client_id};email;relationship;refused;2025-02-01")
        return lines

    def suppressions(self) -> list[str]:
        return ["client_id;reason;from_at"] + [f"{one.client_id};opposition;2025-03-01"
                                               for one in self.people if one.number % 40 == 11]
