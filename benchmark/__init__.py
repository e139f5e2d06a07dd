"""The benchmark itself: adapter interface, training engine, evaluator, runs, tables, report and command line."""
