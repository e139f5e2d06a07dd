"""The one exception for mistakes a user can make."""


class InputError(Exception):
    """Bad input from a user: one line naming the file or option, what was found and what was expected.

    The command line prints it without a traceback and exits with code 2.
    """
