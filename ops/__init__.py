"""The operator's command line: `python -m ops`. Never deployed; nothing that is deployed imports it."""
