-- One row per contact and rep who may take it.
SELECT c.contact_id, r.rep FROM contacts AS c, (VALUES ('ada'), ('bea'), ('cleo')) AS r (rep)
