"""Hand-written scripts through the slow model and through the engine: what was once a difference between them."""

from datetime import timedelta

from marketing.chain import (
    CALL_BACK, CLICKED, PURCHASED, Chain, Delay, Enrol, Exit, Goal, GoTo, Split, Suppress, WaitFor, days, hours, minutes,
)
from tests.model.examples import day, offer, small_chain, thanks
from tests.model.facts import Contact
from tests.model.worlds import WILLING, Event


def passing(moment, *people: int, chain: str = "winter", **groups) -> Event:
    return Event(moment, "pass", chain, people, {"gold": (), "silver": ()} | groups)


def drain(moment) -> Event:
    return Event(moment, "drain")


def answer(moment, kind, *people: int, **more) -> Event:
    return Event(moment, "answer", people=people, kind=kind, **more)


def consent(moment, status, *people: int, **more) -> Event:
    return Event(moment, "consent", people=people, status=status, **more)


def listening(name: str, **more) -> Chain:
    """Sends once, then waits for a day."""
    return small_chain(offer("ask"), WaitFor("answer", days(1), more.pop("on", {CLICKED: []})), name=name,
                       enrol_every=minutes(1), **more)


def test_goto_behind_a_send(same):
    """The bound of a GoTo holds whatever step it follows: a Send, a branch of a Split."""
    chain = small_chain(offer("ask"), Split("who", {"gold": []}, [offer("more"), GoTo("ask", at_most=2)]),
                        GoTo("who", at_most=2, then=[Exit("enough")]), enrol_every=minutes(1))

    same(chain, *[passing(day(n), 1, 16, gold=(16,)) for n in range(4)], contacts=(1, 16))


def test_at_latest_of_each(same):
    """Each touch of a batch has its own latest moment: one that is stale takes no other with it."""
    chain = small_chain(Split("who", {"gold": [Delay(days(2))], "silver": []}), offer("ask", at_latest=days(3)),
                        WaitFor("answer", days(1), {CLICKED: []}), enrol_every=minutes(1))

    same(chain, passing(day(0), 1, gold=(1,)), passing(day(4), 1, 2, silver=(2,)), drain(day(6)), passing(day(8)),
         contacts=(1, 2))


def test_suppressed_at_once(same):
    """A suppression listed between two passes of one moment ends the enrolment in the second."""
    chain = small_chain(WaitFor("listen", days(1), {CLICKED: []}), thanks("bye"), enrol_every=minutes(1))

    same(chain, passing(day(0), 1), Event(day(0), "suppression", people=(1,), lasts=timedelta(days=1)), passing(day(0), 1))


def test_suppressed_by_the_goal_and_back(same):
    """Whom the goal suppresses, and who enters again in the same pass, is planned nothing in it."""
    chain = small_chain(offer("ask"), WaitFor("answer", days(9), {CALL_BACK: []}), reenter_after=hours(1), enrol_every=minutes(1),
                        goal=Goal(CLICKED, within=days(9), then=[Suppress("enough")]))

    rows = same(chain, passing(day(0), 1), drain(day(0)), answer(day(1), CLICKED, 1, back=0), passing(day(1), 1))

    assert len(rows["touches"]) == 1


def test_gone_since_planned_and_late(same):
    """Left the chain is said before stale, stale before a suppression."""
    chain = small_chain(offer("ask", at_latest=days(1)), WaitFor("answer", days(9), {CLICKED: []}), exits={PURCHASED: "bought"},
                        enrol_every=minutes(1))

    rows = same(chain, passing(day(0), 1, 2, 3), answer(day(1), PURCHASED, 1), passing(day(1)),
                Event(day(1), "suppression", people=(1, 2), lasts=timedelta(days=9)), drain(day(2)), contacts=(1, 2, 3))

    assert [row.split("'")[5] for row in rows["refusals"]] == ["left_chain", "stale", "stale"]


def test_second_hand_over(same):
    """Of two hand-overs of one contact the second finds it inside; where the first comes too early, so does the second."""
    gives = small_chain(thanks("hello"), Delay(hours(1)), Enrol("spring"), reenter_after=hours(1), enrol_every=minutes(1))
    takes = small_chain(thanks("hi"), name="spring", reenter_after=days(3), enrol_every=minutes(1))
    twice = [passing(day(0, n), 1) for n in range(5)]
    again = [passing(day(1, n), 1) for n in range(5)]

    rows = same((gives, takes), *twice, passing(day(0, 5), chain="spring"), *again, passing(day(1, 5), chain="spring"))

    assert sorted(row.split("'")[5] for row in rows["refusals"]) == ["entered_recently"] * 3 + ["inside"]


def test_return_is_no_purchase(same):
    """An order line of a negative amount is a return: it reaches no goal, answers no wait, makes nobody a customer."""
    chain = small_chain(offer("ask"), WaitFor("answer", days(9), {CLICKED: []}), goal=Goal(PURCHASED, within=days(30)),
                        enrol_every=minutes(1))
    heard = listening("spring", on={PURCHASED: [Exit("bought")]})
    nothing_said = Contact(2)

    same((chain, heard), passing(day(0), 1, 2), passing(day(0), 1, 2, chain="spring"), drain(day(0)),
         Event(day(0, 1), "return", people=(1, 2)), passing(day(0, 2), 1, 2), passing(day(0, 2), 1, 2, chain="spring"),
         contacts=(1, nothing_said))


def test_heard_before_it_arrives(same):
    """What happens without a key between a letter's acceptance and its arrival is heard; its clock starts at the arrival."""
    chain = small_chain(offer("ask", "post"), WaitFor("answer", days(1), {PURCHASED: [Exit("bought")]}), enrol_every=minutes(1))

    rows = same(chain, passing(day(0), 1, 2), drain(day(0)), answer(day(1), PURCHASED, 1), passing(day(1)), passing(day(2)),
                passing(day(3)), contacts=(1, 2))

    assert [row.split("'")[7] for row in rows["moves"] if "exit" in row] == ["purchased", "otherwise"]


def test_backdated_withdrawal(same):
    """The last word on consent counts, by when it was said, at send as at plan."""
    chain = small_chain(offer("ask"), WaitFor("answer", days(9), {CLICKED: []}), enrol_every=minutes(1))

    rows = same(chain, consent(day(0), "granted", 1, 2), passing(day(0), 1, 2),
                consent(day(1), "withdrawn", 1, 2, ago=timedelta(days=3)), consent(day(1), "withdrawn", 2),
                drain(day(1)), contacts=(1, 2))

    assert [row.split(",")[1] for row in rows["refusals"]] == [" 2"]


def test_hours_past_the_latest_moment(same):
    """A touch whose hours come only after its latest moment is stale when that is known, at send as at plan."""
    chain = small_chain(offer("ask", at_latest=hours(12)), WaitFor("answer", days(9), {CLICKED: []}), enrol_every=minutes(1))

    same(chain, passing(day(0), 1), drain(day(0, 11)), drain(day(1)), passing(day(1)), hours={"email": [(range(7), 8, 18)]})


class TestSameAddress:
    CHAIN = small_chain(Split("who", {"gold": [Delay(days(1))], "silver": []}), offer("ask"), WaitFor("answer", days(1), {
        CLICKED: []}, otherwise=[GoTo("ask", at_most=2)]), enrol_every=minutes(1))

    @staticmethod
    def household(*numbers: int, zones=(None, None)) -> tuple[Contact, ...]:
        return tuple(Contact(n, consents=WILLING, household="martin", zone=zone) for n, zone in zip(numbers, zones))

    def test_again(self, same):
        """Who got the message before gets it at the next visit too, even when a lower number of the household asks then."""
        rows = same(self.CHAIN, passing(day(0), 1, 2, gold=(1,)), drain(day(0)), passing(day(1)), passing(day(1)), drain(day(1)),
                    passing(day(2)), contacts=self.household(1, 2))

        assert [row.split(",")[1] for row in rows["touches"]] == [" 2", " 2"]

    def test_deferred(self, same):
        """Who is deferred takes the message from nobody, in whatever slice: it is the address of who gets it first."""
        for numbers in ((1, 2), (15, 16)):
            rows = same(self.CHAIN, passing(day(0), *numbers, silver=numbers), drain(day(0)), passing(day(0, 9)),
                        contacts=self.household(*numbers, zones=("America/New_York", None)),
                        hours={"email": [(range(7), 9, 18)]})

            assert [int(row.split(",")[1]) for row in rows["touches"]] == [numbers[1]]

    def test_another_channel(self, same):
        """A message that reached one of the household by SMS has not taken the e-mail address."""
        first, second = self.household(1, 2)
        by_phone = Contact(1, first.channels, {**WILLING, ("email", "commercial"): "refused"}, household="martin")
        chain = small_chain(Split("who", {"gold": [Delay(days(1))], "silver": []}), offer("ask", ("email", "sms")),
                            enrol_every=minutes(1))

        rows = same(chain, passing(day(0), 1, 2, gold=(2,)), passing(day(1)), contacts=(by_phone, second))

        assert [row.split("'")[5] for row in rows["touches"]] == ["sms", "email"]


def test_no_consent_left(same):
    """Who speaks of consent and can be reached by no Send ahead leaves; who is silent, or is reached by another, stays."""
    chain = small_chain(offer("ask", ("email", "sms")), WaitFor("answer", days(9), {CLICKED: []}), thanks("bye", "post"),
                        enrol_every=minutes(1))
    last = listening("spring")

    same((chain, last), passing(day(0), 1, 2, 3), passing(day(0), 1, 2, 3, chain="spring"), drain(day(0)),
         consent(day(1), "withdrawn", 1), consent(day(1), "withdrawn", 2, purpose="commercial"), passing(day(1)),
         passing(day(1), chain="spring"), contacts=(1, 2, 3))


def test_rest_written_anew(same):
    """Who rests at a step is written anew once in a pass, whatever leads into it in the same one."""
    chain = small_chain(offer("ask"), WaitFor("answer", days(30), {CLICKED: []}), exits={PURCHASED: "bought"},
                        enrol_every=minutes(1))
    rounds = [(passing(day(n), *range(1, n + 2)), drain(day(n)), answer(day(n), PURCHASED, 15)) for n in range(4)]

    same(chain, *[event for events in rounds for event in events], contacts=(1, 2, 3, 4, 15), feeds=0)
