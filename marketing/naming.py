"""What a run is called: a name that tells chain, wave and moment, in place of one that nobody gave it."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from marketing.calendar import local

__all__ = ["FORM", "Words", "drawn", "marked", "run_name"]

#: The words that a name is drawn from: one of the first, a dash, one of the second.
Words = tuple[Collection[str], Collection[str]]

#: What the form of a run (Prefect's second interface) puts into Run Name before anybody typed there.
FORM: Words = (frozenset("""
Awesome Ergonomic Fantastic Generic Gorgeous Handcrafted Handmade Incredible Intelligent Licensed Practical Refined Rustic Sleek
Small Tasty Unbranded""".split()), frozenset("""
Addax Aidi Ainu Akbash Akita Alabai Alpaca Alusky Ant Ape Asp Avocet Baboon Badger Baiji Barb Barbet Bass Bat Baya Beagle
Beago Bear Beaski Beaver Bee Beetle Bichir Bilby Bird Birman Bison Boas Bobcat Boggle Boiga Bombay Bongo Bonobo Booby Borkie
Bowfin Boxsky Briard Brug Caiman Camel Cantil Carp Cat Chipit Chipoo Chiton Chusky Cicada Coati Cobras Cockle Collie Conure
Coral Corkie Cougar Cow Coyote Crab Crane Crow Cuckoo Cuscus Daniff Danios Daug Deer Dhole Dingo Discus Dodo Dog Donkey
Dorgi Dorkie Douc Doxle Drever Duck Dugong Dunker Eagle Earwig Eel Egret Eider Eland Elk Emu Ermine Eryops Falcon Feist
Ferret Fish Flea Fly Fossa Fox Frog Frug Gar Gecko Genet Gerbil Gibbon Gnat Goat Gollie Goose Gopher Grebe Grouse Guppy Hare
Hawk Heron Hoopoe Horgi Hornet Horse Human Husky Hyena Ibex Ibis Iguana Impala Indri Insect Jabiru Jacana Jackal Jaguar
Jerboa Kagu Kakapo Kea Keagle Kishu Kiwi Koala Kodkod Koolie Kowari Krait Krill Kudu Kuvasz Leech Lemur Liger Limpet Linnet
Lion Lizard Llama Loach Locust Loris Lynx Macaw Maggot Magpie Malchi Mamba Marmot Mauzer Mayfly Meagle Miki Mink Mole Molly
Monkey Moose Morkie Moth Mouse Mudi Mule Muskox Newt Nilgai Numbat Nutria Nyala Ocelot Okapi Olingo Olm Onager Opah Oribi
Osprey Otter Owl Ox Oyster Parrot Peagle Pig Pigeon Pika Pitsky Pomchi Pomsky Poodle Poogle Possum Potoo Prawn Puffin Pug
Puggle Puli Puma Pumi Python Quagga Quail Quokka Quoll Rabbit Raggle Rat Rhea Robin Sable Saiga Salmon Saluki Sambar Saola
Seal Serval Shark Sheep Shichi Shrew Shrimp Skua Skunk Sloth Slug Snail Snake Somali Sphynx Spider Sponge Squid Stoat Stork
Swan Taipan Takin Tang Tapir Tarpon Tetra Thrush Tick Tiger Torkie Tosa Toucan Towhee Trout Tuna Turaco Turkey Uakari Uguisu
Unau Urial Vicuña Viper Vizsla Vole Walrus Wasp Weasel Wolf Wombat Worm Wrasse Xeme Xerus Yak Yarara Zebra Zebu Zokor Zonkey
Zorse Zuchon""".split()))


def run_name(chain: str, as_of: datetime, zone: str, *, waves: Sequence[int] = (), rehearsed: bool = False,
             environment: str = "live") -> str:
    """"reactivate lapsed · wave 3 · 2026-01-05 10:00": the chain, what entered, when by the house's clock; then the
    environment, where it is not the real one."""
    entered = f"wave{'s' * (len(waves) > 1)} {' and '.join(map(str, waves))}" if waves else ""
    parts = [chain.replace("_", " "), "rehearsed" if rehearsed else entered, f"{local(as_of, zone):%Y-%m-%d %H:%M}",
             "" if environment == "live" else environment]
    return " · ".join(filter(None, parts))


def marked(name: str, environment: str) -> str:
    """The name that somebody gave a run, and after it the environment where it is not the real one."""
    return name if environment == "live" or name.endswith(environment) else f"{name} · {environment}"


def drawn(name: str, run: str, words: Iterable[Words]) -> bool:
    """Whether nobody gave the run `run` its name: it is drawn from some of `words`, or made of the run's own number."""
    first, dash, second = name.partition("-")
    return name.endswith(f"-{run[:8]}") or bool(dash) and any(first in ones and second in others for ones, others in words)
