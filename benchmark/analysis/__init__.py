"""What lies behind a run's metrics: their uncertainty, the errors that cost them, recall against occlusion."""
