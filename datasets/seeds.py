"""Seeds of the scene sequences, kept apart so that nothing is tuned or trained on what is evaluated."""

TRAINING_SEED = 0
TUNING_SEED = 1_000
"""Validation scenes to choose hyperparameters on."""

EVALUATION_SEED = 2_000
"""The released evaluation sets: the first EVALUATION_IMAGES scenes of this seed, for each N."""

EVALUATION_IMAGES = 1_000
EVALUATION_INSTANCES_PER_CLASS = (6, 12)
