"""The invented part of the demo: who the CDNOW customers might be, and what they might have consented to."""

import gzip
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

__all__ = ["ORDERS", "World", "few", "invent", "lines", "purchases"]

#: The real purchases; see data/SOURCE.md.
ORDERS = Path(__file__).parent / "data" / "cdnow.txt.gz"

FIRST_NAMES = np.array("""Ada Alice Amélie André Anna Antoine Benoît Bruno Camille Carla Cécile Chloé Clara Claude
Daniel David Denis Diane Edgar Élise Emma Éric Fanny Félix Flora Frank Gaëlle Georges Grace Hélène Henri Hugo Inès
Irène Jack James Jeanne Joël Julia Karl Laura Léa Léon Louise Lucas Marc Marie Martin Maya Naomi Nina Noah Noé
Olivier Oscar Paul Pauline Rachel Rémi Rose Sam Sara Simon Sophie Théo Thomas Victor Yann Zoé""".split())
LAST_NAMES = np.array("""Adams Arnaud Bailey Barbier Bennett Blanc Bonnet Brooks Carter Chevalier Clark Collin Cooper
Dubois Dupont Durand Ellis Evans Fabre Faure Fisher Fontaine Fournier Foster Garnier Gautier Girard Grant Gray Hall
Harris Henry Hill Hughes Jacquet Jenkins Kelly King Lambert Lebrun Leclerc Lefèvre Legrand Lewis Marchand Martin Mason
Mercier Meunier Michel Moore Morel Morgan Müller Nicolas Noël Parker Perrin Petit Picard Price Reed Renaud Robin Roche
Ross Rousseau Roux Scott Simon Stone Taylor Thomas Turner Vidal Vincent Walker Ward White Wood Young""".split())
TOWNS = np.array(["Ashford", "Bridgeton", "Cedar Falls", "Dayton", "Eastport", "Fairview", "Georgetown", "Hillsboro",
                  "Kingston", "Lakewood", "Milton", "Newport", "Oakland", "Riverside", "Salem", "Westfield"])
STREETS = np.array(["Elm Street", "Oak Avenue", "Main Street", "Mill Road", "Park Lane", "River Road", "Church Street"])
GENRES = np.array(["classical", "country", "electronic", "folk", "jazz", "pop", "rock", "soundtracks"])
#: Reserved for examples (RFC 2606): nothing sent there can reach anybody.
DOMAINS = np.array(["example.com", "example.net", "example.org"])
#: Time zones by the first digit of the postcode.
ZONES = np.array(["America/New_York"] * 4 + ["America/Chicago"] * 4 + ["America/Denver", "America/Los_Angeles"])
TOUCHPOINTS = np.array(["web_form", "order_form", "call_centre", "fair"])
#: Channel, purpose, share who granted, share who refused; the others never said.
CONSENTS = (("email", "commercial", 0.82, 0.10), ("email", "relationship", 0.93, 0.03), ("sms", "commercial", 0.45, 0.20),
            ("post", "commercial", 0.60, 0.05), ("phone", "commercial", 0.25, 0.15))


@dataclass(frozen=True)
class World:
    """The files of an invented world, ready for `relance load`, and the real orders that go with them."""

    contacts: Path
    consents: Path
    orders: Path
    customers: int


def invent(folder: Path, *, seed: int, orders: Path = ORDERS) -> World:
    """Write contacts.csv and consents.csv for the customers of `orders`, as a spreadsheet would.

    Semicolons, Windows-1252, days first, decimal commas, postcodes without their leading zero. The same
    seed writes the same bytes. Every contact was created 1 to 60 days before the first purchase.
    """
    ids, first_days = _customers(orders)
    chance = np.random.default_rng(seed)
    created = first_days - chance.integers(1, 61, len(ids)).astype("timedelta64[D]")
    folder.mkdir(parents=True, exist_ok=True)
    world = World(folder / "contacts.csv", folder / "consents.csv", orders, len(ids))
    _write(world.contacts, _contacts(ids, created, chance))
    _write(world.consents, _consents(ids, created, chance))
    return world


def few(path: Path, one_of: int, *, orders: Path = ORDERS) -> Path:
    """Write the lines of one customer of so many as a file like the published one, for a smaller season."""
    header, *rows = gzip.decompress(orders.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(b"".join([header, *(row for row in rows if int(row.split()[0]) % one_of == 0)])))
    return path


def purchases(path: Path, *, after: date | None, upto: date, orders: Path = ORDERS) -> int:
    """Write the lines of `orders` dated after one day and up to another as a file of their own; returns how many.

    As the shop itself would have exported them; the lines are the published ones, byte for byte.
    """
    text = gzip.decompress(orders.read_bytes())
    header, chosen = text[:text.index(b"\n") + 1], _between(text, after, upto)
    path.write_bytes(b"".join([header, *chosen]))
    return len(chosen)


def lines(*, after: date | None, upto: date, orders: Path = ORDERS) -> list[tuple[str, str, str, str]]:
    """The cells of the same lines: client, day (year, month, day in one), number of CDs, amount."""
    return [tuple(line.decode().split()) for line in _between(gzip.decompress(orders.read_bytes()), after, upto)]


def _between(text: bytes, after: date | None, upto: date) -> list[bytes]:
    first = b"" if after is None else after.strftime("%Y%m%d").encode()
    last = upto.strftime("%Y%m%d").encode()
    return [line for line in text.splitlines(keepends=True)[1:] if first < line.split(maxsplit=2)[1] <= last]


def _customers(orders: Path) -> tuple[np.ndarray, np.ndarray]:
    """Each customer's id and the day of the first purchase."""
    words = np.array(gzip.decompress(orders.read_bytes()).split()[4:]).reshape(-1, 4)
    ids, first = np.unique(words[:, 0], return_index=True)  # the file is in order of customer and day
    days = words[first, 1].astype(str)
    iso = [f"{day[:4]}-{day[4:6]}-{day[6:]}" for day in days.tolist()]
    return ids.astype(str), np.array(iso, dtype="datetime64[D]")


def _contacts(ids: np.ndarray, created: np.ndarray, chance: np.random.Generator) -> dict[str, np.ndarray]:
    many = len(ids)
    first, last = chance.choice(FIRST_NAMES, many), chance.choice(LAST_NAMES, many)
    postcode = chance.integers(1001, 99_951, many)
    zone = ZONES[postcode // 10_000]
    return {
        "Customer ID": ids,
        "First name": np.where(chance.random(many) < 0.04, "", first),
        "Last name": last,
        "E-mail": _emails(ids, first, last, chance),
        "Phone": _phones(many, chance),
        "Address": _joined(chance.integers(1, 999, many).astype(str), chance.choice(STREETS, many), " "),
        # A number to the spreadsheet: the zeros in front are gone, and loading puts them back.
        "Zip code": postcode.astype(str),
        "City": chance.choice(TOWNS, many),
        "Country": np.full(many, "US"),
        "Language": chance.choice(["en", "fr"], many, p=[0.85, 0.15]),
        "Time zone": np.where(chance.random(many) < 0.08, "", zone),
        "Touchpoint": chance.choice(TOUCHPOINTS, many, p=[0.55, 0.25, 0.12, 0.08]),
        "Created at": _days(created),
        "Favourite genre": chance.choice(GENRES, many),
        "Store card": chance.choice(["yes", "no"], many, p=[0.3, 0.7]),
        "Distance km": np.array([f"{km:.1f}".replace(".", ",") for km in chance.gamma(2.0, 20.0, many).tolist()]),
    }


def _emails(ids: np.ndarray, first: np.ndarray, last: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """One in a hundred shares the mailbox of the customer before; one in fourteen has none."""
    plain = {name: _ascii(name) for name in {*FIRST_NAMES.tolist(), *LAST_NAMES.tolist()}}
    domains = chance.choice(DOMAINS, len(ids))
    own = np.array([f"{plain[f]}.{plain[s]}.{i}@{domain}" for i, f, s, domain in
                    zip(ids.tolist(), first.tolist(), last.tolist(), domains.tolist(), strict=True)])
    lot = chance.random(len(ids))
    shared = np.where(lot < 0.01, np.roll(own, 1), own)
    return np.where(lot > 1 - 0.07, "", shared)


def _ascii(name: str) -> str:
    return name.lower().translate(str.maketrans("éèêëïîôöüàâç", "eeeeiioouaac"))


def _phones(many: int, chance: np.random.Generator) -> np.ndarray:
    """Numbers of the range reserved for fiction (555-0100 to 555-0199), each once; four in ten have none."""
    areas = [code for code in range(201, 990) if code % 100 != 11 and code // 10 % 10 != 9]
    all_ = [f"({code}) 555-01{line:02d}" for code in areas for line in range(100)]
    phones = chance.choice(np.array(all_), many, replace=False)
    return np.where(chance.random(many) < 0.4, "", phones)


def _consents(ids: np.ndarray, created: np.ndarray, chance: np.random.Generator) -> dict[str, np.ndarray]:
    columns: list[dict[str, np.ndarray]] = []
    for channel, purpose, granted, refused in CONSENTS:
        lot = chance.random(len(ids))
        said = lot < granted + refused
        times = chance.integers(8 * 60, 20 * 60, len(ids))[said]
        clock = np.array([f"{minute // 60:02d}:{minute % 60:02d}" for minute in times.tolist()])
        columns.append({
            "Customer ID": ids[said],
            "Channel": np.full(said.sum(), channel),
            "Purpose": np.full(said.sum(), purpose),
            "Status": np.where(lot[said] < granted, "granted", "refused"),
            "Date": _joined(_days(created[said]), clock, " "),
            "Touchpoint": chance.choice(TOUCHPOINTS, said.sum()),
            "Proof": np.full(said.sum(), "form of 1997"),
        })
    return {name: np.concatenate([column[name] for column in columns]) for name in columns[0]}


def _days(days: np.ndarray) -> np.ndarray:
    return np.array([f"{day[8:]}/{day[5:7]}/{day[:4]}" for day in days.astype(str).tolist()])


def _joined(some: np.ndarray, others: np.ndarray, between: str) -> np.ndarray:
    return np.array([f"{one}{between}{other}" for one, other in zip(some.tolist(), others.tolist(), strict=True)])


def _write(path: Path, columns: dict[str, np.ndarray]) -> None:
    rows = [";".join(cells) for cells in zip(*(column.tolist() for column in columns.values()), strict=True)]
    path.write_bytes(("\r\n".join([";".join(columns), *rows]) + "\r\n").encode("cp1252"))
