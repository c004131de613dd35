"""When everything happens, cycle by cycle."""
