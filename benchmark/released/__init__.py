"""What is done to released runs: evaluate, compare, explain and verify them."""
