"""Pictures of scenes, predictions and failure cases."""
