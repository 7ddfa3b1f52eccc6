"""The automations of alarms: one for each kind, made once, left off where somebody switched them off."""

import pytest

from marketing.alarms import KINDS


@pytest.mark.xdist_group("prefect")
def test_made_once(prefect_server):
    """All are made at the first time, none at the second; without a Block they do nothing but be seen."""
    from prefect.client.orchestration import get_client

    from tasks.alarm_automations import named, register_alarms

    new = register_alarms()
    with get_client(sync_client=True) as client:
        first = client.read_automations_by_name(named("stuck_touches"))[0]
        client.pause_automation(first.id)
        again = register_alarms()
        there = client.read_automations_by_name(first.name)

    assert sorted(new) == sorted([*map(named, KINDS), "Alarm: a run failed or crashed"])
    assert (again, len(there), there[0].enabled) == ([], 1, False)
    assert [action.type for action in first.actions] == ["do-nothing"]


@pytest.mark.xdist_group("prefect")
def test_notified(prefect_server):
    """With a Block each writes to it; a Block that does not exist is named."""
    from prefect.blocks.notifications import SlackWebhook
    from prefect.client.orchestration import get_client

    from tasks.alarm_automations import NoSuchBlock, named, register_alarms

    block = SlackWebhook(url="http://127.0.0.1:9/nowhere").save("marketing", overwrite=True)
    register_alarms("slack-webhook/marketing")
    with get_client(sync_client=True) as client:
        action = client.read_automations_by_name(named("failed_pass"))[0].actions[0]

    assert (action.type, action.block_document_id) == ("send-notification", block)
    with pytest.raises(NoSuchBlock, match="'slack-webhook/nobody'; accepted: type/name"):
        register_alarms("slack-webhook/nobody")
