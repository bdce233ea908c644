"""`python -m ops doctor`: compares an installation in Azure with what the code expects of it. Reads only."""
