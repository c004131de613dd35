"""The specification: number formats, compressed format, layer arithmetic, timing. numpy only."""
