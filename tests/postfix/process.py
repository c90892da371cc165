# SPDX-License-Identifier: ISC
"""Processes below another one."""
import os
import signal


def descendants(pid):
    """pid and all processes below it."""
    found = [pid]
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                for child in file.read().split():
                    found += descendants(int(child))
    except (FileNotFoundError, ProcessLookupError):
        pass  # it has ended
    return found


def open_files(pid):
    """The paths of what a process has open."""
    found = set()
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            found.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
    except (FileNotFoundError, ProcessLookupError):
        pass  # it has ended, or closed it
    return found


def state(pid):
    """As in proc(5); an empty string: there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def is_stopped(pid):
    return state(pid) == "T"


def has_ended(pid):
    """Also where its parent, a lazy init, does not ask for it at once."""
    return state(pid) in ("", "Z", "X")


def kill_all(child):
    """Ends a command of ours and its children, stopped or not."""
    for pid in descendants(child.pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    child.wait(30)
