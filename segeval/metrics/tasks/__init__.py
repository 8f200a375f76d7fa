"""What one kind of task reports: cells, neurons, organs at risk, streets."""
