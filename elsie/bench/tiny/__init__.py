"""The four networks of MLPerf Tiny on an engine with maps."""
