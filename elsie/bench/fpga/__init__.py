"""Area and timing after place and route, kept in a ledger that a command regenerates."""
