"""A report as one HTML file: charts drawn as SVG, a page filled by a template, no script and no network."""
