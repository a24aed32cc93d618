-- Whoever is killed while it is made does not find it again.
create index concurrently on things (name); -- broken: post-step
