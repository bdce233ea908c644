"""How a reaction is carried out: events, decisions, ledger, gateways."""
