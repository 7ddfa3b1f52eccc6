"""Somebody is due every few minutes, at every minute of the hour, and a reply is thanked for at once."""

from marketing.chain import RELATIONSHIP, REPLIED, Chain, Delay, Exit, GoTo, Send, WaitFor, minutes

CHAIN = Chain(
    name="minutely", title="Minutely", kind="loyalty", audience="minutely_people", wake_every=minutes(1),
    steps=[
        Send("first", by="email", message="text", purpose=RELATIONSHIP),
        WaitFor("answer", within=minutes(2), on={
            REPLIED: [Send("thanks", by="email", message="text", purpose=RELATIONSHIP), Exit("answered")],
        }, otherwise=[Delay(minutes(1)), GoTo("first", at_most=99)]),
    ],
)
