"""The one home of a run: its folder, its manifest, how it is made and how it is read."""
