"""Pictures that tasks, runs and reports are made of."""
