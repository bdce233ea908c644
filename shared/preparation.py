"""What a process imports before its first event, while the host gets ready."""

# ruff: noqa: F401, PLC0415 - imported to be there, and not at index


def import_clients() -> None:
    """Import what the clients of storage, Azure ML and identity are built from; nothing is built or sent."""
    import azure.identity
    import azure.mgmt.core.policies
    import azure.storage.queue

    import shared.store.transactions
    import shared.transport.deadline_transport
