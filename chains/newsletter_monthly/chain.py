"""Newsletter: one edition a month to those who asked for it; who gets nothing is drawn again each month."""

from marketing.chain import COMMERCIAL, PURCHASED, Chain, Field, Goal, Line, Send, WaveParams, months, weeks


class Params(WaveParams):
    headline_fr: Line = Field(
        "Les nouveautés du mois", max_length=80, description="Subject and headline, in French",
        json_schema_extra={"title": "Headline (fr)"})
    headline_en: Line = Field(
        "New this month", max_length=80, description="Subject and headline, in English",
        json_schema_extra={"title": "Headline (en)"})
    story_fr: str = Field(
        "Chaque mois, nous choisissons quelques articles et nous disons pourquoi. Voici ceux de ce mois-ci.",
        max_length=2000, description="The opening paragraph, in French", json_schema_extra={"title": "Story (fr)"})
    story_en: str = Field(
        "Every month we choose a few articles and say why. Here are this month's.",
        max_length=2000, description="The opening paragraph, in English", json_schema_extra={"title": "Story (en)"})
    page: str = Field(
        "selection", max_length=200, pattern=r"^[\w/.-]*$", description="The page of the shop that the button opens",
        json_schema_extra={"title": "Page"})


CHAIN = Chain(
    name="newsletter_monthly", title="Monthly newsletter", kind="loyalty", params=Params,
    audience="newsletter_readers",                          # newsletter_readers.sql beside this file
    goal=Goal(PURCHASED, within=weeks(2), ends=False),      # measured, does not end the chain
    holdout=0.10, arm_by="wave",                            # a month without, then back: nobody is left out for ever
    reenter_after=months(1),
    steps=[
        Send("edition", by="email", message="edition", purpose=COMMERCIAL, at_latest=weeks(2)),
    ],
)
