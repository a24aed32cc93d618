-- A new tenant can sell at once: one pipeline with the usual stages, free to change.
with pipeline as (
    insert into pipelines (name, is_default) values ('Sales', true) returning id
)
insert into stages (pipeline_id, name, position, kind, probability)
select p.id, s.name, s.position, s.kind, s.probability
  from pipeline p
 cross join (values
    ('New', 1, 'open', 10),
    ('Qualified', 2, 'open', 25),
    ('Proposal', 3, 'open', 50),
    ('Negotiation', 4, 'open', 75),
    ('Won', 5, 'won', 100),
    ('Lost', 6, 'lost', 0)
 ) as s (name, position, kind, probability);

-- Check now: a table with a deferred check pending cannot be altered, and a new tenant gets later migrations
-- in this same transaction.
set constraints stages_open_check immediate;
set constraints stages_open_check deferred;
