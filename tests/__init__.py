"""Tests, by layer: unit, contract, runtime."""
