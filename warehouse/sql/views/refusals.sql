-- One row per touch that the gate did not allow, at plan or at send: deferred (until_at) or dropped.
SELECT c.name AS chain, v.number AS version, r.enrolment_id >> 36 AS wave, r.enrolment_id,
       r.enrolment_id & 68719476735 AS contact_id, r.step, r.visit, r.leg, r.reason, r.rule, r.value, r.limit_value,
       r.until_at, r.stage, r.refused_at, r.run
FROM raw_refusals AS r
JOIN ledger_chains AS c ON c.id = r.chain
LEFT JOIN ledger_versions AS v ON v.id = r.version
