"""The bench: the app, a peer as samples write it, and the floor, side by side on one stand-in."""
