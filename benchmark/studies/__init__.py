"""Studies: lists of runs that make a table or a figure, planned, run as jobs, resumed and watched."""
