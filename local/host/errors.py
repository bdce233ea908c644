"""What keeps the local host from running an app."""


class HostError(Exception):
    """The local host cannot run the app as it is; the text says why and what to do."""


class HostStopError(Exception):
    """Storage answered in a way that shuts the real host down; the text names the call and the status."""
