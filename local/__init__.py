"""The offline twin: the whole service without Azure. Never deployed."""
