-- One row per contact in the chain, per touch, per refusal, per hand-over of a step: the program's own tables.
CREATE TYPE place AS ENUM ('opening', 'answer', 'reminder', 'closing', 'holdout', 'goal', 'exit:suppressed',
                           'exit:not_reached', 'exit:completed', 'exit:held_out');
CREATE TABLE enrolments (contact_id BIGINT, enrolled_at TIMESTAMP, place place, due_at TIMESTAMP, latest_at TIMESTAMP);
CREATE TABLE touches (contact_id BIGINT, chain VARCHAR, step VARCHAR, channel VARCHAR, purpose VARCHAR, planned_at TIMESTAMP);
CREATE TABLE refusals (contact_id BIGINT, step VARCHAR, reason VARCHAR, until_at TIMESTAMP, refused_at TIMESTAMP);
CREATE TABLE responses (contact_id BIGINT, step VARCHAR, kind VARCHAR, happened_at TIMESTAMP);
CREATE TABLE handed_over (step VARCHAR, planned_at TIMESTAMP, outcome VARCHAR, settled_at TIMESTAMP)
