"""The one exception for mistakes a user can make."""


class InputError(Exception):
    """Bad input from a user: one line naming the file or option, what was found and what was expected.

    The command line prints it without a traceback and exits with code 2.
    """


def one_line(error: BaseException) -> str:
    """What a library's error says, as the end of a message of ours: its first line, or its kind where it is silent."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__
