"""Windows and macOS, as far as they can be shown elsewhere: what POSIX alone has is not used, or not missed."""

import ast
import errno
import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import cordlevelset as cls
from cordlevelset.app import batch, children
from cordlevelset.io import files

PACKAGE = Path(cls.__file__).parent
PATHS = sorted([*PACKAGE.rglob("*.py"), *(PACKAGE.parent / "SlicerCordLevelSet").rglob("*.py")])
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in PATHS}

POSIX_MODULES = {"curses", "fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"}
POSIX_NAMES = {
    "os": """chown fchmod fchown fork forkpty getegid geteuid getgid getgroups getloadavg getpgid getpgrp getpriority
        getsid getuid killpg lchown mkfifo mknod nice openpty posix_fadvise posix_fallocate pread pwrite
        sched_getaffinity sched_setaffinity sendfile setegid seteuid setgid setpgid setpriority setsid setuid statvfs
        sync sysconf uname wait wait3 wait4 waitid O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK WEXITSTATUS WIFEXITED
        WIFSIGNALED WNOHANG WTERMSIG""".split(),
    "signal": """SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTSTP SIGUSR1 SIGUSR2 alarm pause
        pthread_kill pthread_sigmask setitimer siginterrupt sigwait""".split(),
    "time": ["tzset", "clock_gettime", "pthread_getcpuclockid"],
}
POSIX_KEYWORDS = {"preexec_fn", "start_new_session", "process_group", "pass_fds", "dir_fd", "umask"}


def _name(path):
    return str(path.relative_to(PACKAGE.parent))


@pytest.mark.parametrize("path", PATHS, ids=_name)
def test_names_that_only_posix_has_are_not_used(path):
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Import):
            assert not {alias.name.split(".")[0] for alias in node.names} & POSIX_MODULES
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in POSIX_MODULES
            assert not {alias.name for alias in node.names} & set(POSIX_NAMES.get(node.module or "", ()))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert node.attr not in POSIX_NAMES.get(node.value.id, ()), f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.Call):
            assert not {keyword.arg for keyword in node.keywords} & POSIX_KEYWORDS


@pytest.mark.parametrize("path", PATHS, ids=_name)
def test_text_is_utf_8_and_its_lines_end_alike_everywhere(path):
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            said = {keyword.arg for keyword in node.keywords}
            if node.func.attr == "write_text":
                assert {"encoding", "newline"} <= said, f"line {node.lineno}"
            elif node.func.attr == "read_text":
                assert "encoding" in said, f"line {node.lineno}"


POSIXLESS = f"""
import os, shutil, signal, subprocess, sys, tempfile, time
import numba, scipy.ndimage, SimpleITK, skimage.measure  # theirs is their own affair

for module in {sorted(POSIX_MODULES)}:
    sys.modules[module] = None
for module, names in {POSIX_NAMES}.items():
    for name in names:
        vars(sys.modules[module]).pop(name, None)
shutil._use_fd_functions = False  # it looks once whether they are there, and from Python 3.13 on asks for one more

from cordlevelset.app.cli import process
process()
"""


def test_the_command_line_without_what_only_posix_has(neck_file, tmp_path):
    words = [
        "segment",
        str(neck_file),
        "-o",
        str(tmp_path / "mask.nii.gz"),
        "--centerline-out",
        str(tmp_path / "l.csv"),
    ]
    done = subprocess.run([sys.executable, "-c", POSIXLESS, *words], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert {p.name for p in tmp_path.iterdir()} == {"mask.nii.gz", "mask.json", "l.csv"}


DEAF = """
import signal, sys, threading
from cordlevelset.app import cli
from cordlevelset.io import files

signal.signal(signal.SIGINT, signal.default_int_handler)
hearing = cli.wait

def deaf(*args, **options):  # as Windows is within a wait
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return hearing(*args, **options)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

def never_ends(args):
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    with files.whole_or_nothing([args.output]) as (draft,):
        draft.write_text("half")
        print("busy", flush=True)
        threading.Event().wait()

cli.wait = deaf
cli._centerline = never_ends
cli.process()
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="Windows is what this simulates")
def test_ctrl_c_where_waiting_cannot_be_interrupted(tmp_path):
    words = ["centerline", "image.nii", "-o", str(tmp_path / "line.csv")]
    child = subprocess.Popen([sys.executable, "-c", DEAF, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout.readline() == b"busy\n"
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=60)  # it would hang for ever
    assert child.returncode == 130
    assert not list(tmp_path.iterdir())


class Child:
    """What was asked of a process."""

    def __init__(self, console):
        self.console, self.asked = console, []

    def send_signal(self, number):
        if not self.console:
            raise OSError(6, "The handle is invalid")
        self.asked.append(number)

    def terminate(self):
        self.asked.append("terminate")


@pytest.mark.parametrize(("console", "asked"), [(True, [1]), (False, ["terminate"])])
def test_children_end_under_windows(console, asked, monkeypatch):
    """TerminateProcess would leave what they have half-written."""
    monkeypatch.setattr(signal, "CTRL_BREAK_EVENT", 1, raising=False)
    child = Child(console)
    children._ask_to_end(child)
    assert child.asked == asked


def test_children_end_elsewhere(monkeypatch):
    monkeypatch.delattr(signal, "CTRL_BREAK_EVENT", raising=False)
    child = Child(console=True)
    children._ask_to_end(child)
    assert child.asked == ["terminate"]


@pytest.mark.parametrize("there", [{"SIGTERM"}, {"SIGTERM", "SIGBREAK"}])
def test_signals_that_are_there_are_answered(there, monkeypatch):
    for name in children.ENDING_SIGNALS:
        monkeypatch.delattr(signal, name, raising=False)
    for name in there:
        monkeypatch.setattr(signal, name, name, raising=False)
    heard = {}
    monkeypatch.setattr(signal, "signal", heard.__setitem__)
    monkeypatch.setattr(signal, "getsignal", lambda name: signal.SIG_DFL)
    children.answer_signals()
    assert heard == dict.fromkeys([signal.SIGINT, *there], children._interrupt)
    with pytest.raises(KeyboardInterrupt):
        children._interrupt(15, None)
    assert heard == dict.fromkeys([signal.SIGINT, *there], signal.SIG_IGN)  # asked again: it is ending


def test_no_way_from_one_drive_to_another(tmp_path, monkeypatch):
    assert batch._way(tmp_path / "out", tmp_path / "in") == "../in"

    def refuse(path, start):
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr(os.path, "relpath", refuse)
    assert batch._way(tmp_path / "out", tmp_path / "in") == (tmp_path / "in").as_uri()


def test_a_draft_that_is_still_open_does_not_undo_the_result(tmp_path, monkeypatch):
    """Windows removes no open file; the result is in place by then."""

    def refuse(*args, **options):
        raise PermissionError(errno.EACCES, "used by another process")

    with files.whole_or_nothing([tmp_path / "a.txt"]) as (draft,):
        draft.write_text("whole", encoding="utf-8")
        (draft.parent / "scanned").touch()
        monkeypatch.setattr(os, "unlink", refuse)
    monkeypatch.undo()
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "whole"


def test_names_that_differ_in_case_alone_are_one_where_that_is_so(tmp_path, monkeypatch):
    both = [tmp_path / "a.nii", tmp_path / "A.nii"]
    monkeypatch.setattr(os.path, "normcase", str.lower)
    with pytest.raises(cls.InputError, match="two outputs"):
        files.check_distinct(both, [])
    monkeypatch.setattr(os.path, "normcase", str)
    files.check_distinct(both, [])


NARROW = """
import sys
from cordlevelset.app import cli
cli._warmup = lambda args: print("Größe \\u9aa8")
cli.process()
"""


def test_a_name_that_the_console_cannot_show():
    environment = os.environ | {"PYTHONIOENCODING": "cp1252"}
    done = subprocess.run([sys.executable, "-c", NARROW, "warmup"], capture_output=True, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert io.BytesIO(done.stdout).readline().rstrip() == "Größe \\u9aa8".encode("cp1252")
