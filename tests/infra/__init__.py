"""The infrastructure, on what the real compiler makes of it."""
