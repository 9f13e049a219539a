"""What can go wrong with the stack, in words for the person at the terminal.

StackError
├── AlreadyRunning     another supervisor owns the data directory; use or stop that one
├── PortInUse          something else listens where the stack must; choose another --port-base
├── DownloadFailed     no network, or the wrong bytes; try again
├── NoSpace            the disk is full
├── ServiceFailed      a service ended or did not become ready; its log says why
└── DemoFailed         the stack is fine, but the demo did not see what it should

The command line prints the message and ends with the error's exit code.
"""

EXIT_INTERRUPTED = 130
"""A signal ended the start: no error of the stack's."""


class StackError(Exception):
    """The root of this tree; never raised itself."""

    exit_code = 1


class AlreadyRunning(StackError):
    """The data directory belongs to a running stack."""

    exit_code = 3


class PortInUse(StackError):
    """A port that the stack needs is taken."""

    exit_code = 4


class DownloadFailed(StackError):
    """An artifact could not be fetched, or is not the one that the lock names."""

    exit_code = 5


class NoSpace(StackError):
    """The disk has no room for what must be written."""

    exit_code = 6


class ServiceFailed(StackError):
    """A service ended, or was not ready within its time."""

    exit_code = 7


class DemoFailed(StackError):
    """The demo's own process ended with an error."""

    exit_code = 8
