"""What the paper says: its tables, its Fig. 3 and its settings, each read in one place."""
