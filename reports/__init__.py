"""The figures, drawn: HTML, charts and artifacts from the marts."""
