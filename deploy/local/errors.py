"""What can go wrong with the stack."""

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130
"""A signal ended the start: no error of the stack's."""


class StackError(Exception):
    """The text tells the person at the terminal what to do; the command prints it and ends with `EXIT_FAILED`."""
