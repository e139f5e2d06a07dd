"""Amodal shape scenes: sampling, drawing, layers, COCO export and import, and the training stream."""
