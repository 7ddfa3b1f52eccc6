"""Ten messages, a week apart, to a wave of new contacts a week: what a chain looks like after a year."""

from pydantic import Field

from marketing.chain import COMMERCIAL, Chain, Delay, Send, WaveParams, days


class Params(WaveParams):
    """The contacts that have joined so far."""

    joined: int = Field(0, ge=0, description="Contacts with a smaller number have joined")


def written() -> list:
    """Ten Sends with a week between them."""
    steps = [Send("message_1", by="email", message="page", purpose=COMMERCIAL)]
    for number in range(2, 11):
        steps += [Delay(days(7)), Send(f"message_{number}", by="email", message="page", purpose=COMMERCIAL)]
    return steps


CHAIN = Chain(name="ten_steps", title="Ten steps", kind="loyalty", params=Params, audience="joined", steps=written())
