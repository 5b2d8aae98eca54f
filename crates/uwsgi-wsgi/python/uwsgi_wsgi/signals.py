"""SIGTERM and SIGINT, which ask the server to end."""

import math
import os
import select
import signal
from collections.abc import Callable
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopRequested(BaseException):
    """A signal asked the process to end while the main thread imported the application.

    It is no `Exception`, so that an `except Exception` of the application does not catch it.
    """


class StopSignals:
    """Tells the main thread that SIGTERM or SIGINT has arrived.

    Python's handlers run in the main thread only, but the kernel may give a signal to any thread. So the main thread waits
    for a pipe that Python writes to when a signal arrives (`signal.set_wakeup_fd`). No signal is blocked, because child
    processes of the application would inherit that.
    """

    def __init__(self, on_second: Callable[[signal.Signals], None]) -> None:
        """Makes the pipe. The function is called in the main thread when a second signal arrives."""
        self.received: signal.Signals | None = None
        self._on_second = on_second
        self._raises = True
        self._pid = os.getpid()
        self._wake_reader, self._wake_writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._poll = select.poll()
        self._poll.register(self._wake_reader, select.POLLIN)

    def install(self) -> None:
        """Installs the handlers. Until `wait_only` is called, a signal raises `StopRequested` in the main thread."""
        for number in SIGNALS:
            signal.signal(number, self._handle)
        os.register_at_fork(after_in_child=self._restore_in_child)

    def wait_only(self) -> None:
        """Lets a signal end `wait` instead of raising an exception.

        The handlers are installed again, because the application may have replaced them while it was imported. The same
        holds for the descriptor that Python writes to: an event loop of asyncio takes it away when it closes.
        """
        self._raises = False
        for number in SIGNALS:
            signal.signal(number, self._handle)
        signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)

    def release(self) -> None:
        """Lets a signal end the process. The start has failed, and Python may still wait for threads of the application."""
        self._raises = False
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)

    def wait(self, timeout: float | None = None) -> None:
        """Waits until a signal arrives, `wake` is called, or this number of seconds has passed."""
        self._poll.poll(None if timeout is None else math.ceil(max(timeout, 0) * 1000))
        try:
            # What was written does not matter: a child process that shares the pipe may have written it.
            os.read(self._wake_reader, 4096)
        except BlockingIOError:
            pass

    def wake(self) -> None:
        """Ends `wait`. Every thread may call it."""
        try:
            os.write(self._wake_writer, b"\0")
        except BlockingIOError:
            # The pipe is full, so that `wait` ends anyway.
            pass

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if os.getpid() != self._pid:
            self._restore_in_child()
            os.kill(os.getpid(), number)
            return
        if self.received is not None:
            self._on_second(signal.Signals(number))
            return
        self.received = signal.Signals(number)
        if self._raises:
            raise StopRequested
        # Python may write to the pipe before it calls this handler. The main thread has to look once more afterwards.
        self.wake()

    def _restore_in_child(self) -> None:
        """Gives a child process that the application forked the handlers that Python starts with.

        With our handlers SIGTERM would not end it, and would wake up the main thread of this process.
        """
        for number, default in ((signal.SIGTERM, signal.SIG_DFL), (signal.SIGINT, signal.default_int_handler)):
            if signal.getsignal(number) == self._handle:
                signal.signal(number, default)
        previous = signal.set_wakeup_fd(-1)
        if previous not in (-1, self._wake_writer):
            signal.set_wakeup_fd(previous)
