-- One row per contact due at a Send, with what the gate needs of it.
CREATE OR REPLACE TEMP TABLE due AS
SELECT e.contact_id, e.latest_at, c.address_of_channel AS address_key, c.zone
FROM enrolments AS e JOIN contacts AS c ON c.contact_id = e.contact_id
WHERE e.place = $step AND e.due_at <= $as_of
