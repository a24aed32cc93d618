create index things_name_idx on things (name); -- broken: post-step
