"""A new chain's folder: a brief that works as it stands, and shows what may be changed."""

from pathlib import Path

__all__ = ["begin"]

_BRIEF = '''"""{title}: one e-mail, and a text message to those who stay silent."""

from marketing.chain import COMMERCIAL, PURCHASED, Chain, Exit, Field, Goal, Send, WaitFor, WaveParams, days, months, weeks
from marketing.responses import CLICKED


class Params(WaveParams):
    days_since_order: int = Field(
        60, ge=1, le=730, description="Bought within this many days", json_schema_extra={{"title": "Days since the last order"}})


CHAIN = Chain(
    name="{name}", title="{title}", kind="loyalty", params=Params,
    audience="{name}_audience",                # {name}_audience.sql beside this file, takes $days_since_order
    goal=Goal(PURCHASED, within=weeks(4)),      # an order ends the chain; counted for the holdout too
    holdout=0.10, reenter_after=months(6),      # a tenth is never contacted: the baseline for lift
    steps=[
        Send("letter", by="email", message="letter", purpose=COMMERCIAL),
        WaitFor("response", within=days(7), on={{
            CLICKED: [Exit("interested")],
        }}, otherwise=[Send("reminder", by="sms", message="reminder", purpose=COMMERCIAL)]),
    ],
)
'''
_AUDIENCE = """-- One row per contact who ordered in the $days_since_order days before $as_of.
SELECT DISTINCT contact_id
FROM orders
WHERE ordered_at <= $as_of
  AND ordered_at > $as_of::TIMESTAMP - to_days($days_since_order::INTEGER)
  AND amount >= 0                                       -- a return is negative
  AND (cancelled_at IS NULL OR cancelled_at > $as_of)
"""
_LETTERS = {
    "fr": ("Des nouvelles de {{ house.name }}", "Bonjour", "Écrivez ici ce que vous voulez dire, et pourquoi maintenant.",
           "Voir la boutique", "L'équipe de"),
    "en": ("News from {{ house.name }}", "Hello", "Write here what you want to say, and why now.", "See the shop", "The team at"),
}
_LETTER = """subject: {subject}
preheader: {preheader}
sender: {{{{ house.name }}}} <hello@shop.example>
---
{{% extends "layout.{language}.email.j2" %}}
{{% block body %}}
<h1>{subject}</h1>
<p>{hello}{{% if first_name %}} {{{{ first_name }}}}{{% endif %}},</p>
<p>{text}</p>
<p class="action"><a class="button" href="{{{{ house.urls.shop }}}}?r={{{{ key }}}}">{button}</a></p>
<p>{team} {{{{ house.name }}}}</p>
{{% endblock %}}
"""
_REMINDERS = {"fr": "{{ house.name }} : nos nouvelles vous attendent, {{ house.urls.shop }}",
              "en": "{{ house.name }}: our news is waiting for you, {{ house.urls.shop }}"}


def begin(folder: Path, name: str) -> list[Path]:
    """Write the folder of the chain `name` below `folder`; returns the files."""
    texts = {"chain.py": _BRIEF.format(name=name, title=name.replace("_", " ").capitalize()), f"{name}_audience.sql": _AUDIENCE}
    for language, (subject, hello, text, button, team) in _LETTERS.items():
        texts[f"messages/letter.{language}.email.j2"] = _LETTER.format(
            subject=subject, preheader=text, language=language, hello=hello, text=text, button=button, team=team)
        texts[f"messages/reminder.{language}.sms.j2"] = f'{_REMINDERS[language]} {{% include "stop.{language}.sms.j2" %}}\n'
    files = []
    for path, text in texts.items():
        target = folder / name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        files.append(target)
    return files
