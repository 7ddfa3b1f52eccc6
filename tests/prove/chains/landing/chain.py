"""Where the spiral hands over: two Sends in a row (the first with a second leg), a rep, a wait."""

from marketing.chain import (
    CLICKED, COMMERCIAL, RELATIONSHIP, Assign, Chain, Delay, Exit, GoTo, Send, Suppress, WaitFor, days,
)

CHAIN = Chain(
    name="landing", title="Landing", kind="loyalty", audience="landing_people", reenter_after=days(6),
    steps=[
        Assign("landing_rep", to="landing_reps"),
        Send("landing_hello", by=("sms", "email"), message="text", purpose=RELATIONSHIP),
        Send("landing_news", by="email", message="mail", purpose=COMMERCIAL),
        Delay(days(1)),
        Send("landing_letter", by="post", message="letter", purpose=COMMERCIAL),
        WaitFor("landing_wait", within=days(3), on={
            CLICKED: [GoTo("landing_letter", at_most=2, then=[Exit("eager")])],
        }, otherwise=[Suppress("dormant")]),
    ],
)
