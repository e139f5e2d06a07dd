"""Ctrl-C during training: the step that is being computed ends first, so that a checkpoint can be written."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """asked: whether Ctrl-C was pressed."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.asked:  # for the second time: stop at once, whatever is lost
            raise KeyboardInterrupt
        self.asked = True


@contextmanager
def deferred_interrupt() -> Iterator[Interrupt]:
    """Within it the first Ctrl-C only sets ``asked``; the second one raises KeyboardInterrupt as usual.

    Outside the main thread, where Python handles no signals, nothing changes.
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    earlier = signal.signal(signal.SIGINT, interrupt)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, earlier)
