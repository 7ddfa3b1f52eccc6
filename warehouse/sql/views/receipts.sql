-- One row per thing the connector said of a touch; a touch without one is still in the outbox.
SELECT c.name AS chain, r.enrolment_id >> 36 AS wave, r.enrolment_id,
       r.enrolment_id & 68719476735 AS contact_id, r.step, r.visit, r.leg, r.channel, r.connector, r.outcome,
       r.error, r.units, r.cost, r.settled_at, r.run
FROM raw_receipts AS r
JOIN ledger_chains AS c ON c.id = r.chain
