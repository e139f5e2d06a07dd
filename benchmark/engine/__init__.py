"""The training engine all learned models share; it knows none of them."""
