"""Python processes of their own that need not import what they work with: forked from one that has imported it.

Importing is nine tenths of what a short command costs. So the first process that a test asks for starts a maker, which
imports the package once and forks the rest: each has its own memory, files, environment and signals, begins as
`python -c CODE ARGUMENT…` does, and ends as an interpreter ends. What is tested of the start itself, such as what is
imported when, needs `subprocess`.
"""

import atexit
import contextlib
import gc
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

COMMAND_LINE = "from boxferry.cli.main import main; main()"
PART = 1 << 16  #: bytes of an order that are read at once
#: not imported before: few need them, and an integration needs its framework
LEFT_OUT = ("boxferry.sandbox", "boxferry.plugin_template", "boxferry.integrations", "boxferry.observing.telemetry")


class Process:
    """A process that runs some code, like `subprocess.Popen`.

    Attributes:
        pid: its number.
        returncode: its exit code, below 0 for a signal; None while it is not known to have ended.
        stdout: what it prints, as text, where `stdout` was PIPE.
    """

    def __init__(self, code, *arguments, cwd=None, env=None, stdin=None, stdout=None, stderr=None, needs=()):
        """Start.

        Args:
            code: Python.
            arguments: what follows `-c CODE` in `sys.argv`.
            cwd: where it runs; None is here.
            env: its environment; None is this process's.
            stdin, stdout, stderr: open files; None are this process's for errors, and no file for the others;
                `subprocess.PIPE` for `stdout` makes a pipe.
            needs: modules of the tests that are to be imported once, too.
        """
        order = {"code": code, "arguments": [str(each) for each in arguments], "cwd": str(cwd or Path.cwd())}
        order["needs"] = needs
        order["env"] = {name: str(value) for name, value in (os.environ if env is None else env).items()}
        self.returncode, self.stdout = None, None
        self._ended, ends = os.pipe()
        with contextlib.ExitStack() as stack:
            stack.callback(os.close, ends)
            nothing = stack.enter_context(Path(os.devnull).open("r+b", buffering=0))
            if stdout is subprocess.PIPE:
                reads, writes = os.pipe()
                self.stdout, stdout = os.fdopen(reads, encoding="utf-8"), stack.enter_context(os.fdopen(writes, "wb"))
            files = [stdin or nothing, stdout or nothing, stderr or 2]
            self.pid = _maker().ordered(order, [*(f if isinstance(f, int) else f.fileno() for f in files), ends])

    def poll(self):
        """The exit code, or None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout=None):
        """Wait for the exit code, for at most so many seconds."""
        if self.returncode is None:
            if not select.select([self._ended], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("a forked process", timeout)
            self.returncode = int(os.read(self._ended, 20))
            os.close(self._ended)
        return self.returncode

    def send_signal(self, number):
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        """End it, as a power cut does."""
        self.send_signal(signal.SIGKILL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.stdout:
            self.stdout.close()
        self.wait()


def run(code, *arguments, stdin="", timeout=120, **options):
    """Run some code to its end, with this text as its standard input; as `subprocess.run` with all output as text."""
    with contextlib.ExitStack() as stack:
        given, out, err = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(3))
        given.write(stdin.encode())
        given.seek(0)
        process = Process(code, *arguments, stdin=given, stdout=out, stderr=err, **options)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return subprocess.CompletedProcess(["python", "-c", code, *arguments], process.wait(), _text(out), _text(err))


def boxferry(*arguments, **options):
    """Run a command of boxferry's to its end."""
    return run(COMMAND_LINE, *arguments, **options)


def _text(file):
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n")


class _Maker:
    """The process that forks the others, seen from the tests."""

    def __init__(self):
        self._orders, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, __file__, str(theirs.fileno()), *filter(None, sys.path)]
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
        self._lock = threading.Lock()

    def ordered(self, order, files):
        """Have a process made; gives its number."""
        with self._lock:
            data = json.dumps(order).encode() + b"\n"
            sent = socket.send_fds(self._orders, [data], files)
            self._orders.sendall(data[sent:])
            return int(self._orders.recv(20))

    def close(self):
        """End it; the processes that it made go on."""
        self._orders.close()
        self._process.wait()


@cache
def _maker():
    made = _Maker()
    atexit.register(made.close)
    return made


def _import_everything():
    """All of the package and what its commands need, the plugins too."""
    import boxferry
    from boxferry.plugins import plugin_manager

    for module in pkgutil.walk_packages(boxferry.__path__, "boxferry."):
        if not module.name.startswith(LEFT_OUT):
            import_module(module.name)
    plugin_manager()


def _make(orders):
    """Fork a process for each order, and pass its exit code on; comes back in each of them, with its order."""
    woken, wakes = socket.socketpair()
    wakes.setblocking(False)
    signal.set_wakeup_fd(wakes.fileno())
    usual = signal.signal(signal.SIGCHLD, lambda *_: None)
    children = {}
    while True:
        ready = select.select([orders, woken], [], [])[0]
        if woken in ready:
            woken.recv(PART)
            _tell(children)
        if orders in ready:
            order, files = _next(orders)
            _need(order["needs"])
            if not (pid := os.fork()):
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, usual)
                for each in (orders, woken, wakes):
                    each.close()
                return order, files
            children[pid] = files.pop()
            _close(files)
            orders.sendall(str(pid).encode())


def _next(orders):
    """The next order and its open files; ends this process where the one that orders has ended."""
    data, files, *_ = socket.recv_fds(orders, PART, 4)
    while data and not data.endswith(b"\n"):
        data += orders.recv(PART)
    if not data:
        os._exit(0)
    return json.loads(data), files


def _need(names):
    """Import what the next processes have in common; what is there then is left alone by the garbage collector."""
    if missing := [name for name in names if name not in sys.modules]:
        for name in missing:
            import_module(name)
        gc.freeze()


def _tell(children):
    """Write the exit code of each process that has ended where the test reads it."""
    for pid, ends in list(children.items()):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            with contextlib.suppress(BrokenPipeError):
                os.write(ends, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(children.pop(pid))


def _close(files):
    for each in files:
        os.close(each)


def _become(order, files):
    """Be the process that was ordered: its files, folder, environment and arguments."""
    for number, each in enumerate(files[:3]):
        os.dup2(each, number)
    _close(files)
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(
            number, mode, encoding="utf-8", buffering=1 if number == 2 or os.isatty(number) else -1, closefd=False
        )
        for number, mode in enumerate("rww")
    )
    sys.stderr.reconfigure(errors="backslashreplace")
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    sys.argv = ["-c", *order["arguments"]]


if __name__ == "__main__":
    sys.path[:] = ["", *sys.argv[2:]]
    _import_everything()
    gc.freeze()
    order, files = _make(socket.socket(fileno=int(sys.argv[1])))
    _become(order, files)
    sys.modules["__main__"] = module = ModuleType("__main__")
    exec(compile(order["code"], "<string>", "exec"), vars(module))
