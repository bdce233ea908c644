"""Fakes that stand behind the Protocols of `shared`."""
