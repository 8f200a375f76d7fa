"""What the verbs that score cases share: the job, its stream of cases, and what is said of a run."""
