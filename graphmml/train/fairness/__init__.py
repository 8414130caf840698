"""How well a model serves the values of a group, what sets them apart, and what mending it costs."""
