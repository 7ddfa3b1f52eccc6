-- One row per response; with a key it belongs to a touch (enrolment, step, visit, leg), without one to a contact.
SELECT r.contact_id, c.name AS chain, r.enrolment_id >> 36 AS wave, r.enrolment_id, s.name AS step, r.visit, r.leg,
       r.kind, r.happened_at, r.received_at, r.machine, r.meta, r.dedup
FROM raw_responses AS r
LEFT JOIN ledger_steps AS s ON s.id = r.step_no
LEFT JOIN ledger_chains AS c ON c.id = s.chain
