"""What every command shares: it speaks in sentences, whatever the terminal can show."""

import os
import signal
import sys
from collections.abc import Callable

__all__ = ["command", "imports_may_be_interrupted", "say", "shown"]

INTERRUPTED, BROKEN_PIPE = 130, 141  # exit codes as shells know them: 128 and the signal


def say(message: object) -> None:
    """Print a message beside the output: to stderr, at once."""
    print(message, file=sys.stderr, flush=True)


def shown(text: str) -> str:
    """Return a text with a question mark for each sign that the output cannot show."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def imports_may_be_interrupted() -> None:
    """Let Ctrl-C end the program without a traceback from here on, until `command` is called."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def command(main: Callable[[], int | None]) -> None:
    """Run a command and end the program with its exit code: errors of use are one sentence."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        try:
            code = main()
        except SystemExit as end:
            code = end.code
        except KeyboardInterrupt:
            say("Interrupted.")
            code = INTERRUPTED
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:  # `| head` has seen enough: nobody is left to be told
        code = BROKEN_PIPE
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else Python complains when it ends
    except (OSError, RuntimeError) as error:
        say(error)
        code = 1
    sys.exit(code)
