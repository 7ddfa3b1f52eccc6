"""A Send's further channels, each asked only when the last came to nothing: the slow model beside the engine."""


from marketing.chain import CALL_BACK, CLICKED, NOT_SENT, Delay, Exit, GoTo, WaitFor, Split, days, hours, minutes
from tests.model.examples import day, offer, small_chain, thanks
from tests.model.facts import Contact
from tests.model.test_engine_scripts import answer, consent, drain, passing
from tests.model.worlds import WILLING

ASK = offer("ask", ("email", "sms", "post"))
REJECTED = {(1, "ask", 1, 1): "rejected"}


def waiting(*sends):
    return small_chain(*sends, WaitFor("answer", days(9), {CLICKED: [Exit("clicked")], NOT_SENT: [Exit("no_way")]}),
                       enrol_every=minutes(1))


def ways(rows: dict) -> list[str]:
    """The channels of the touches, in the order of their legs."""
    return [row.split("'")[5] for row in sorted(rows["touches"], key=lambda row: row.split(",")[4])]


def ends(rows: dict) -> list[str]:
    return sorted(row.split("'")[5] for row in rows["moves"] if "exit:" in row)


def test_not_made(same):
    """What the provider rejects is tried on the next channel, and the answer to that is heard."""
    rows = same(waiting(ASK), passing(day(0), 1), drain(day(0)), passing(day(1)), drain(day(1)), passing(day(2)),
                answer(day(3), CLICKED, 1, back=0), passing(day(3)), outcomes=REJECTED)

    assert ways(rows) == ["email", "sms"]
    assert ends(rows) == ["exit:clicked"]


def test_never_while_unknown(same):
    """What may have been made is tried on no other channel, however long it is silent."""
    rows = same(waiting(ASK), passing(day(0), 1), drain(day(0)), *[passing(day(n)) for n in range(1, 11)],
                outcomes={(1, "ask", 1, 1): "unknown"})

    assert ways(rows) == ["email"]
    assert ends(rows) == ["exit:completed"]


def test_silence(same):
    """Who does not answer is asked on the next channel when the wait is over, and waited for as long again; nobody else is."""
    rounds = [event for n in range(30) for event in (passing(day(n), *[1, 2] * (n == 0)), drain(day(n)))]
    rows = same(waiting(ASK), *rounds[:10], answer(day(4, 1), CLICKED, 2, back=0), *rounds[10:], contacts=(1, 2))

    assert ways(rows) == ["email", "email", "sms", "post"]
    assert ends(rows) == ["exit:clicked", "exit:completed"]


def test_answer_to_the_second(same):
    """The answer to what went out after a silence is heard, an answer to the first as well."""
    for back in (0, 1):
        rows = same(waiting(ASK), passing(day(0), 1), drain(day(0)), passing(day(9)), drain(day(9)),
                    answer(day(10), CLICKED, 1, back=back), passing(day(10)))

        assert ways(rows) == ["email", "sms"]
        assert ends(rows) == ["exit:clicked"]


def test_time_after_a_silence(same):
    """After a silence the next channel has as much time as the first had, from when it is first asked; so has what follows it."""
    ask = offer("ask", ("email", "sms", "post"), at_latest=days(2))
    start = [passing(day(0), 1), drain(day(0)), passing(day(9))]
    rows = same(waiting(ask), *start, passing(day(9, 4)), drain(day(9, 5)), passing(day(10)), drain(day(10)), passing(day(10, 1)),
                outcomes={(1, "ask", 1, 2): "rejected"}, hours={"sms": [(range(7), 12, 20)]})

    assert ways(rows) == ["email", "sms", "post"]

    only_mondays = same(waiting(ask), *start, passing(day(14)), drain(day(14)), hours={"sms": [((0,), 9, 20)]})

    assert ways(only_mondays) == ["email"]


def test_staying_is_no_arrival(same):
    """The clock of a wait is not set back by asking for a further channel that then is not made either."""
    rejected = {(1, "ask", 1, leg): "rejected" for leg in (1, 2, 3)}
    rounds = [event for n in range(12) for event in (passing(day(n), *[1] * (n == 0)), drain(day(n)))]
    rows = same(waiting(thanks("hello"), ASK), *rounds, outcomes=rejected)

    assert [row for row in rows["moves"] if "exit:completed" in row and "2026, 1, 14" in row]


def test_two_put_off(same):
    """Where the second has no way and the third is closed, the third is asked when it opens."""
    who = Contact(1, frozenset({"email", "post"}), consents=WILLING)
    rows = same(waiting(ASK), passing(day(0), 1), drain(day(0)), passing(day(1)), passing(day(1, 4)), drain(day(1, 4)),
                passing(day(2)), outcomes=REJECTED, contacts=(who,), hours={"post": [(range(7), 12, 20)]})

    assert ways(rows) == ["email", "post"]


def test_all_in_vain(same):
    """Not sent is who was made on no channel, after the last of them, not before."""
    outcomes = {(1, "ask", 1, leg): "rejected" for leg in (1, 2, 3)}
    rows = same(waiting(ASK), *[event for n in range(5) for event in (passing(day(n), *[1] * (n == 0)), drain(day(n)))],
                outcomes=outcomes)

    assert ways(rows) == ["email", "sms", "post"]
    assert ends(rows) == ["exit:no_way"]


def test_refused_on_the_way(same):
    """The gate is asked for each channel: who withdrew from the second is asked for the third."""
    rows = same(waiting(ASK), passing(day(0), 1), drain(day(0)), consent(day(1), "withdrawn", 1, channel="sms"),
                passing(day(1)), drain(day(1)), passing(day(2)), outcomes=REJECTED)

    assert ways(rows) == ["email", "post"]


def test_dropped_at_send(same):
    """Who withdraws between plan and send is tried on the next channel."""
    rows = same(waiting(ASK), passing(day(0), 1), consent(day(0), "withdrawn", 1, channel="email"), drain(day(0)), passing(day(1)))

    assert ways(rows) == ["email", "sms"]


def test_closed(same):
    """A channel that is closed is asked again when it opens, whatever else wakes the wait; no answer is none until then."""
    rows = same(waiting(ASK), passing(day(0), 1, 2), drain(day(0)), passing(day(0, 12)), answer(day(0, 13), CALL_BACK, 1),
                passing(day(0, 14)), passing(day(0, 20)), passing(day(1, 1)), drain(day(1, 1)), passing(day(1, 2)),
                outcomes=REJECTED | {(2, "ask", 1, 1): "blocked"}, contacts=(1, 2), hours={"sms": [(range(6), 9, 20)]})

    assert ways(rows) == ["email", "email", "sms", "sms"]


def test_answered_while_put_off(same):
    """An answer to another message ends what is put off."""
    rows = same(waiting(ASK, thanks("hello", "post")), passing(day(0), 1), drain(day(0)), passing(day(0, 12)),
                answer(day(0, 13), CLICKED, 1, back=0), passing(day(0, 14)), passing(day(1)),
                outcomes=REJECTED, hours={"sms": [(range(6), 9, 20)]})

    assert ends(rows) == ["exit:clicked"]
    assert "sms" not in ways(rows)


def test_too_late(same):
    """The next channel has no more time than the Send had from the start."""
    rows = same(waiting(offer("ask", ("email", "sms"), at_latest=days(2))), passing(day(0), 1), drain(day(0)), passing(day(3)),
                outcomes=REJECTED)

    assert ways(rows) == ["email"]
    assert ends(rows) == ["exit:no_way"]


def test_capped(same):
    """What was not made gives its place back to the next channel; what else was made holds its own."""
    rows = same(waiting(thanks("hello"), ASK), passing(day(0), 1, 2), drain(day(0)), *[passing(day(n)) for n in range(1, 9)],
                drain(day(8)), outcomes=REJECTED | {(2, "ask", 1, 1): "rejected", (2, "hello", 1, 1): "rejected"},
                contacts=(1, 2), at_most=2)

    assert len(ways(rows)) == 6


def test_two_sends(same):
    """Each Send of a wait falls back for itself, even when the other was made, or is put off."""
    chain = waiting(ASK, offer("more", ("post", "email")))
    rows = same(chain, passing(day(0), 1, 2), drain(day(0)), passing(day(0, 1)), passing(day(0, 12)), passing(day(1)), passing(day(1, 4)), drain(day(1, 4)),
                passing(day(2)), outcomes=REJECTED | {(2, step, 1, 1): "rejected" for step in ("ask", "more")}, contacts=(1, 2),
                hours={"sms": [(range(6), 12, 20)]})

    assert len(ways(rows)) == 7


def test_heard_of_on_the_way(same):
    """Who was on the way to the wait when the touch was settled is asked on arrival."""
    rows = same(waiting(ASK, Delay(days(2))), passing(day(0), 1), drain(day(0)), passing(day(1)), passing(day(2)), drain(day(2)),
                passing(day(3)), outcomes=REJECTED)

    assert ways(rows) == ["email", "sms"]


def test_again(same):
    """A visit falls back for itself: the next begins with the first channel, and the wait is not visited by falling back."""
    chain = small_chain(offer("ask", ("email", "sms")), WaitFor("answer", hours(36), {CLICKED: []}, otherwise=[GoTo("answer", at_most=2, then=[
        GoTo("ask", at_most=2)])]), enrol_every=minutes(1))
    rounds = [event for n in range(12) for event in (passing(day(n), *[1] * (n == 0)), drain(day(n)))]

    rows = same(chain, *rounds, outcomes={(1, "ask", visit, 1): "rejected" for visit in (1, 2)}, at_most=9)

    assert sorted(ways(rows)) == ["email", "email", "sms", "sms"]


def test_one_household(same):
    """An address that one gets in falling back is taken for those who are asked after, and the other way round."""
    chain = small_chain(Split("who", {"gold": [Delay(days(1))], "silver": []}), offer("ask", ("post", "email")),
                        WaitFor("answer", days(9), {CLICKED: [], NOT_SENT: [Exit("no_way")]}), enrol_every=minutes(1))
    one, two = (Contact(n, channels, consents=WILLING, household="martin")
                for n, channels in ((1, frozenset({"post", "email"})), (2, frozenset({"email"}))))
    for late in (1, 2):
        rows = same(chain, passing(day(0), 1, 2, gold=(late,)), drain(day(0)), passing(day(1)), drain(day(1)), passing(day(2)),
                    outcomes=REJECTED, contacts=(one, two))

        assert ways(rows).count("email") == 1
