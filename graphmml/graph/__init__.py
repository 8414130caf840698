"""Who is linked to whom: graph constructors and the one graph type."""
