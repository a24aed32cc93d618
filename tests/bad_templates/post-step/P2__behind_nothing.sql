analyze things; -- broken: post-step
