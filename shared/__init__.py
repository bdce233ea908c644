"""How a reaction is carried out: events, decisions, ledger, gateways."""

#: Stamped on every job, so that it says which version of the service started it.
__version__ = "0.1.0"
