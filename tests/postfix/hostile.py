# SPDX-License-Identifier: ISC
"""hostile.py USER DIRECTORY WAY: plays a daemon whose account was taken over, on DIRECTORY/control.sock, until it is
killed.

Prints "ready" once it listens. A way is a function of the connection and of the first request (its line and
descriptors)."""
import array
import fcntl
import itertools
import json
import os
import pwd
import random
import socket
import struct
import sys
import threading
import time

ANSWER = b'{"ok":true,"bytes":%d,"queue_directory":"/","completed":1,"added":1,"dropped":1,"silent":0,"rows":1,"text":""}\n'


def memory(size, data=b"", seals=True):
    """A memory file, by default sealed as the protocol requires."""
    made = os.memfd_create("x", os.MFD_ALLOW_SEALING)
    os.ftruncate(made, size)
    os.pwrite(made, data, 0)
    if seals:
        fcntl.fcntl(made, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE)
    return made


def send_with(to, line, *descriptors):
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
    to.sendmsg([line], rights)


def receive_with(peer):
    """The bytes received and their descriptors; None at the end."""
    data, ancillary, _, _ = peer.recvmsg(65536, 4096)
    found = [number for _, kind, raw in ancillary if kind == socket.SCM_RIGHTS for number in array.array("i", raw)]
    return (data, found) if data else None


FACES = itertools.chain(["joe"], itertools.repeat("jim"))


# ---- the ways

def silent(peer, _):
    """Never answers."""
    time.sleep(600)


def closes(peer, _):
    """Closes the connection."""


def half_a_line(peer, _):
    """Begins a line, and then sends nothing."""
    peer.sendall(b'{"ok":true,')
    time.sleep(600)


def junk(peer, request):
    """More rows of nothing, or names, than any index holds."""
    count = 30 << 20
    while request:
        names = b'"names"' in request[0]
        head = struct.pack("=QQQ", 0, 0, count) if names else struct.pack("=QQQQ", count, 0, 0, 0)
        made = memory(len(head) + 16 * count, head)
        send_with(peer, ANSWER % (len(head) + 16 * count), made)
        os.close(made)
        request = receive_with(peer)


def many_values(peer, _):
    """JSON of few bytes that takes much memory."""
    text = b'{"ok":true,"a":[' + b"{}," * 5000000 + b"{}]}"
    send_with(peer, ANSWER % len(text), memory(len(text), text))
    time.sleep(600)


def endless_pages(peer, request):
    """Each list goes on, with nothing in it."""
    while request:
        peer.sendall(b'{"ok":true,"bytes":0,"rules":[],"next":%d}\n' % (json.loads(request[0]).get("from", 0) + 1))
        request = receive_with(peer)


def endless_line(peer, _):
    """Bytes without a newline."""
    while True:
        peer.sendall(b"x" * 65536)


def endless_lines(peer, _):
    """Reports that it is working, as fast as it can."""
    while True:
        peer.sendall(b'{"working":true}\n' * 1000)


def drops(peer, _):
    """Sends a byte now and then."""
    for byte in b'{"ok":true,"bytes":0}' * 1000:
        peer.sendall(bytes([byte]))
        time.sleep(0.3)


def noise(peer, _):
    """Random bytes with newlines."""
    chance = random.Random(1)
    for _ in range(200):
        peer.sendall(chance.randbytes(5000))


def zeros(peer, _):
    peer.sendall(b"\0" * 1000 + b"\n")


def deep(peer, _):
    """JSON nested as deep as a line allows."""
    peer.sendall(b"[" * 60000 + b"\n")


def deep_object(peer, _):
    peer.sendall(b'{"ok":' * 10000 + b"1" + b"}" * 10000 + b"\n")


def wrong_types(peer, _):
    peer.sendall(b'{"ok":"yes","bytes":"many","rows":[],"text":{},"queue_directory":7}\n')


def numbers(peer, _):
    """Absurd counts."""
    peer.sendall(b'{"ok":true,"bytes":18446744073709551615,"rows":-1,"completed":1e300,"added":9223372036854775807}\n')


def promises(peer, _):
    """Announces bytes, and sends no file."""
    peer.sendall(ANSWER % 100000)
    time.sleep(600)


def error_of_control(peer, _):
    """Terminal control sequences in the longest allowed line."""
    peer.sendall(json.dumps({"error": "failed", "text": "\x1b]0;owned\x07\x1b[2J\u202e\u200b" * 1500}).encode() + b"\n")


def unsealed(peer, _):
    send_with(peer, ANSWER % 4096, memory(4096, seals=False))
    time.sleep(600)


def huge(peer, _):
    """A sealed memory file of 64 GiB without a single page."""
    send_with(peer, ANSWER % (1 << 36), memory(1 << 36))
    time.sleep(600)


def large(peer, _):
    """As large as the protocol allows, all zeros."""
    send_with(peer, ANSWER % (1 << 30), memory(1 << 30))
    time.sleep(600)


def shrunk(peer, _):
    """Truncated while it is read."""
    made = memory(1 << 26, seals=False)
    send_with(peer, ANSWER % (1 << 26), made)
    while True:
        os.ftruncate(made, 0)
        os.ftruncate(made, 1 << 26)


def forged_rows(peer, _):
    """Sealed as required, and full of false counts."""
    send_with(peer, ANSWER % 4096, memory(4096, b"\xff" * 4096))
    time.sleep(600)


def random_rows(peer, _):
    send_with(peer, ANSWER % 100000, memory(100000, random.Random(2).randbytes(100000)))
    time.sleep(600)


def no_rows(peer, _):
    """A count of no rows, in an empty file."""
    send_with(peer, ANSWER % 32, memory(32))
    time.sleep(600)


def not_memory(peer, _):
    """A file on a disk."""
    made = os.open("/etc/passwd", os.O_RDONLY)
    send_with(peer, ANSWER % os.fstat(made).st_size, made)
    time.sleep(600)


def device(peer, _):
    send_with(peer, ANSWER % 4096, os.open("/dev/zero", os.O_RDONLY))
    time.sleep(600)


def pipe(peer, _):
    """A pipe to which nobody writes."""
    send_with(peer, ANSWER % 4096, os.pipe()[0])
    time.sleep(600)


def many_files(peer, _):
    """As many descriptors as fit in one message, again and again."""
    made = [memory(16) for _ in range(200)]
    for _ in range(100):
        send_with(peer, b"{", *made)
    time.sleep(600)


def works_on(peer, _):
    """Says that it began, and then nothing."""
    peer.sendall(b'{"working":true}\n')
    time.sleep(600)


def redirects(peer, request):
    """Passes on the real daemon's answer, but for another domain."""
    real = socket.socket(socket.AF_UNIX)
    real.connect("control.real")
    while request:
        line, descriptors = request
        for number, made in enumerate(descriptors):
            body = os.pread(made, os.fstat(made).st_size, 0).replace(b"example.com", b"good-x.test")
            descriptors[number] = memory(len(body), body)
        send_with(real, line, *descriptors)
        while True:
            line, descriptors = receive_with(real)
            send_with(peer, line, *descriptors)
            if b'"working"' not in line:
                break
        request = receive_with(peer)


def two_faces(peer, request):
    """Asked a second time whose flood it is, it names another sender."""
    while request:
        answer = {"error": "no-index", "text": "none"}
        if b'"floods"' in request[0]:
            answer = {"ok": True, "floods": [{"id": 1, "kind": "login", "key": next(FACES), "window": 1, "since": 1}]}
        elif b'"flood-mark"' in request[0]:
            answer = {"ok": True}
        peer.sendall(json.dumps(answer).encode() + b"\n")
        request = receive_with(peer)


WAYS = {name: way for name, way in globals().items() if callable(way) and getattr(way, "__code__", None)
        and way.__code__.co_varnames[:1] == ("peer",) and way.__code__.co_argcount == 2}


def serve(peer, way):
    try:
        way(peer, receive_with(peer))
    except OSError:
        pass
    peer.close()


def become(user):
    """Turns this process into that user for good. (Only root may be able to start the interpreter.)"""
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def main(user, directory, way):
    become(user)
    os.chdir(directory)
    path = "control.sock"
    if os.path.exists(path):
        os.unlink(path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(64)
        print("ready", flush=True)
        while True:
            peer, _ = listener.accept()
            threading.Thread(target=serve, args=(peer, WAYS[way]), daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
