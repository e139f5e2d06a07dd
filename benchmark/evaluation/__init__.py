"""COCO results in, numbers out: validation, matching, metrics. Imports neither torch nor a model."""
