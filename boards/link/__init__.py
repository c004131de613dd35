"""The host link (docs/protocol.md): what gateware, driver and simulated board must agree on."""
