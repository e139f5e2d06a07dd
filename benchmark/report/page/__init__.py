"""The report's page: HTML, its templates, styles and scripts."""
