"""A chain that uses every word at which something could be lost: GoTo, hand-over, two Sends, waits, Suppress."""

from marketing.chain import (
    CLICKED, COMMERCIAL, NOT_SENT, PURCHASED, RELATIONSHIP, REPLIED, UNSUBSCRIBED, Chain, Delay, Enrol, Exit, Experiment, Goal,
    GoTo, Send, Split, Suppress, WaitFor, days, weeks,
)

CHAIN = Chain(
    name="spiral", title="Spiral", kind="prospecting", audience="spiral_people",
    goal=Goal(PURCHASED, within=weeks(3), then=[Exit("bought")]), holdout=0.1, reenter_after=days(9),
    exits={UNSUBSCRIBED: "unsubscribed"},
    steps=[
        Send("spiral_mail", by="email", message="mail", purpose=COMMERCIAL, at_latest=days(3)),
        WaitFor("spiral_wait", within=days(2), on={
            CLICKED: [Experiment("spiral_draw", on={
                "offer": [Send("spiral_offer", by="email", message="mail", purpose=COMMERCIAL, at_latest=days(2))],
                "text": [Send("spiral_text", by="sms", message="text", purpose=RELATIONSHIP)],
            })],
            REPLIED: [Delay(days(1)), Enrol("landing")],
            NOT_SENT: [Exit("not_reached")],
        }, otherwise=[GoTo("spiral_mail", at_most=2, then=[Suppress("silent")])]),
        WaitFor("spiral_end", within=days(1), on={
            CLICKED: [Enrol("landing")],
            NOT_SENT: [Exit("not_reached")],
        }, otherwise=[Split("spiral_split", on={"spiral_even": [Enrol("landing")]}, otherwise=[Exit("quiet")])]),
    ],
)
