-- One row per touch planned for a contact, with its receipt; without one it has not been settled, or not been filed yet.
SELECT t.chain, t.wave, t.enrolment_id, t.step, t.visit, t.leg, t.channel, t.purpose, t.connector, t.planned_at, t.run,
       r.outcome, r.error, r.settled_at, r.run AS sent_by
FROM (SELECT * FROM touches WHERE contact_id = $contact_id) AS t
LEFT JOIN (SELECT * FROM receipts WHERE contact_id = $contact_id) AS r
       ON r.enrolment_id = t.enrolment_id AND r.step = t.step AND r.visit = t.visit AND r.leg = t.leg
ORDER BY t.planned_at, t.enrolment_id, t.step, t.visit, t.leg
