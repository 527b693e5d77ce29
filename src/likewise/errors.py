"""The one exception that is meant for the person at the keyboard."""


class LikewiseError(Exception):
    """A mistake the user can mend; the message says what was wrong, where, and what would be right.

    The command line prints it as one sentence, without a traceback, and exits with status 1.
    """


class MissingRun(LikewiseError):
    """A config names a finished run that is not there, or not yet."""


class Diverged(LikewiseError):
    """A loss or an embedding became NaN or infinite."""
