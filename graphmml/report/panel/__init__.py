"""The panel of `graphmml diagnose`: one question about a graph a file, each measured, judged and said in a line."""
