-- One row per assignment of an enrolment to a rep.
SELECT c.name AS chain, a.enrolment_id >> 36 AS wave, a.enrolment_id,
       a.enrolment_id & 68719476735 AS contact_id, a.step, a.visit, a.rep, a.assigned_at, a.run
FROM raw_assignments AS a
JOIN ledger_chains AS c ON c.id = a.chain
