"""Faults: everything that may go wrong between an event and its effects, and that the promise holds all the same."""
