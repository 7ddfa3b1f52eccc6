-- One row per move of an enrolment from one step to another; a deferral moves a step onto itself.
SELECT c.name AS chain, v.number AS version, m.enrolment_id >> 36 AS wave, m.enrolment_id,
       m.enrolment_id & 68719476735 AS contact_id, m.seq, m.from_step, m.to_step, m.reason, m.visit, m.due_at,
       m.moved_at, m.run
FROM raw_moves AS m
JOIN ledger_chains AS c ON c.id = m.chain
JOIN ledger_versions AS v ON v.id = m.version
