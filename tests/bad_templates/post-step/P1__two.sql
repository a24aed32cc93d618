analyze things;
vacuum things; -- broken: post-step
