"""Models by name, and their hyperparameters as data."""
