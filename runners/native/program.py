"""A process of the action's program: starts it, writes to it, and waits for its output and its end."""

import os
from fcntl import ioctl
from select import POLLIN, POLLOUT, poll
from sys import byteorder

from _signal import SIGCHLD, SIGPIPE, SIGXFSZ, set_wakeup_fd, signal

ANSWER_FD = 3
CHUNK_BYTES = 65536
# ioctl for the bytes that wait in a pipe, from either end. Python has it in a module that the image lacks.
FIONREAD = 0x541B


class Refusal(Exception):
    """The code can't be an action, or a program gave no result; its text is for the caller."""


# Programs get these variables. They are in a dictionary because the C library never frees the value of a variable.
environment = dict(os.environ)
# Process id to status, for every child that has ended since the last start.
ended = {}


def on_child_ended(*_):
    """Reaps all children: as process 1 of its sandbox it also gets the orphans."""
    try:
        while (found := os.waitpid(-1, os.WNOHANG))[0] != 0:
            ended[found[0]] = found[1]
    except ChildProcessError:
        pass


def watch_children():
    """Returns a descriptor that is readable when a child has ended."""
    bell, hammer = os.pipe()
    for fd in (bell, hammer):
        os.set_blocking(fd, False)
    set_wakeup_fd(hammer, warn_on_full_buffer=False)
    signal(SIGCHLD, on_child_ended)
    return bell


bell = watch_children()


def read_some(fd):
    """The bytes that wait, or b"" when there are none or the stream has ended."""
    try:
        return os.read(fd, CHUNK_BYTES)
    except BlockingIOError:
        return b""


class Program:
    """A process of the action's program."""

    def __init__(self, path, arguments=(), takes_stdout=False):
        stdin, self.stdin = os.pipe()
        self.answers, answer = os.pipe()
        actions = [(os.POSIX_SPAWN_DUP2, stdin, 0), (os.POSIX_SPAWN_DUP2, answer, ANSWER_FD)]
        given = [stdin, answer]
        self.stdout = None
        if takes_stdout:
            self.stdout, stdout = os.pipe()
            actions.append((os.POSIX_SPAWN_DUP2, stdout, 1))
            given.append(stdout)
        for fd in self.own_fds():
            os.set_blocking(fd, False)
        ended.clear()
        try:
            self.pid = os.posix_spawn(
                path,
                [path, *arguments],
                environment,
                file_actions=actions,
                setsigdef=[SIGPIPE, SIGXFSZ],
            )
        except OSError as error:
            self.close()
            raise Refusal(f"The action's program can't be started: {error.strerror}.")
        finally:
            for fd in given:
                os.close(fd)

    def own_fds(self):
        return [fd for fd in (self.stdin, self.answers, self.stdout) if fd is not None]

    def close(self):
        for fd in self.own_fds():
            os.close(fd)

    def has_ended(self):
        return self.pid in ended

    def has_begun(self):
        """Whether it has read any of the last request."""
        waiting = int.from_bytes(ioctl(self.stdin, FIONREAD, bytes(4)), byteorder)
        return waiting < self.written

    def how_it_ended(self):
        code = os.waitstatus_to_exitcode(ended[self.pid])
        return f"exit code {code}" if code >= 0 else f"signal {-code}"

    def talk(self, request, streams, is_last=False):
        """Writes the request to stdin, and closes it if the request is the last. Passes what arrives on a descriptor
        to its function in `streams`, until one of them returns true or the process has ended."""
        view = memoryview(request)
        self.written = 0
        poller = poll()
        poller.register(bell, POLLIN)
        poller.register(self.stdin, POLLOUT)
        for fd in streams:
            poller.register(fd, POLLIN)
        while True:
            for fd, _ in poller.poll():
                if fd == bell:
                    read_some(bell)
                elif fd == self.stdin:
                    view = self.write_some(view)
                    if not view:
                        poller.unregister(fd)
                        if is_last:
                            os.close(fd)
                            self.stdin = None
                elif data := read_some(fd):
                    if streams[fd](data):
                        return
                else:
                    poller.unregister(fd)
            if self.has_ended():
                return self.drain(streams)

    def write_some(self, view):
        try:
            count = os.write(self.stdin, view)
            self.written += count
            return view[count:]
        except BlockingIOError:
            return view
        except BrokenPipeError:
            return view[:0]  # It has closed stdin, as it may.

    def drain(self, streams):
        for fd, take in streams.items():
            while data := read_some(fd):
                take(data)
