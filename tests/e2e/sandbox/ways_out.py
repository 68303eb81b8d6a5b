"""Tries to get out of the sandbox, one way after another, and says of each what became of it.

Each way is tried in a process of its own. It is open if the function returns, and closed if it raises.
"""

import ctypes
import errno
import json
import os
import resource
import signal
import socket
import sys

# before this program opens anything but itself
LEFT = [
    where
    for number in range(3, 256)
    if os.path.islink("/proc/self/fd/%d" % number)
    for where in [os.readlink("/proc/self/fd/%d" % number)]
    if not where.endswith(("/ways_out.py", "/fd"))
]

HOST = json.load(open(os.path.join(os.environ["PACK_PATH"], "tests", "host.json")))
LIBC = ctypes.CDLL(None, use_errno=True)
MACHINE = os.uname().machine
WAYS = []


def way(function):
    WAYS.append(function)
    return function


def call(name, *arguments):
    """A system call by its number, which is what has to be refused, whatever the library does."""
    x86, arm = {
        "ptrace": (101, 117),
        "mount": (165, 40),
        "unshare": (272, 97),
        "chroot": (161, 51),
        "add_key": (248, 217),
        "io_uring_setup": (425, 425),
        "bpf": (321, 280),
        "shmget": (29, 194),
        "open_by_handle_at": (304, 265),
        "process_vm_readv": (310, 270),
        "clone3": (435, 435),
        "openat2": (437, 437),
        "userfaultfd": (323, 282),
        "pidfd_open": (434, 434),
        "pidfd_getfd": (438, 438),
        "setns": (308, 268),
    }[name]
    number = x86 if MACHINE == "x86_64" else arm
    result = LIBC.syscall(number, *arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


@way
def read_the_database():
    open(HOST["state"] + "/packd.db", "rb").read(1)


@way
def write_the_database():
    open(HOST["state"] + "/packd.db", "ab")


@way
def write_the_own_tree_in_the_store():
    open(HOST["state"] + "/current/victim/pack.yaml", "a")


@way
def read_another_pack():
    open(HOST["state"] + "/current/victim/pack.yaml").read()


@way
def list_the_store():
    os.listdir(HOST["state"] + "/store")


@way
def truncate_a_file_of_the_store():
    os.truncate(HOST["state"] + "/current/victim/pack.yaml", 0)


@way
def read_the_passwords():
    open("/etc/shadow").read()


@way
def read_the_configuration():
    open(HOST["config"]).read()


@way
def list_the_homes():
    if not os.listdir(HOST["home"]):
        raise PermissionError("it is an empty one")


@way
def write_beside_the_state_folder():
    open(HOST["canary"], "w").write("out")


@way
def follow_a_link_to_the_database():
    os.symlink(HOST["state"] + "/packd.db", "link")
    open("link", "rb").read(1)


@way
def make_a_hard_link_to_the_database():
    os.link(HOST["state"] + "/packd.db", "hard")


@way
def move_a_file_over_another_pack():
    open("mine", "w").write("out")
    os.rename("mine", HOST["state"] + "/current/victim/pack.yaml")


@way
def replace_the_link_to_the_generation():
    os.symlink("/", HOST["state"] + "/current.next")


@way
def connect_over_tcp():
    socket.create_connection(("127.0.0.1", HOST["tcp"]), 2)


@way
def send_a_datagram():
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"out", ("127.0.0.1", HOST["udp"]))


@way
def listen_to_the_network():
    socket.create_server(("0.0.0.0", 0))


@way
def open_a_netlink_socket():
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)


@way
def connect_to_the_daemons_socket():
    socket.socket(socket.AF_UNIX).connect(HOST["socket"])


@way
def connect_to_an_abstract_socket():
    socket.socket(socket.AF_UNIX).connect("\0" + HOST["abstract"])


@way
def send_from_a_pair_to_a_named_socket():
    left, _right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    left.sendto(b"out", HOST["datagrams"])


@way
def trace_the_daemon():
    call("ptrace", 16, HOST["pid"], 0, 0)


@way
def signal_the_daemon():
    os.kill(HOST["pid"], 0)


@way
def signal_everybody():
    # pid 1 is the host's, or the one that watches over this
    os.kill(1, signal.SIGSTOP)


@way
def read_the_daemons_environment():
    open("/proc/%d/environ" % HOST["pid"], "rb").read(1)


@way
def write_the_daemons_memory():
    open("/proc/%d/mem" % HOST["pid"], "r+b")


@way
def go_through_the_daemons_root():
    open("/proc/%d/root%s/packd.db" % (HOST["pid"], HOST["state"]), "rb")


@way
def write_through_descriptors_of_others():
    parent = os.getppid()
    watcher = int(open("/proc/%d/stat" % parent).read().rsplit(")")[1].split()[1])
    refused = PermissionError("none can be opened")
    for process in [watcher or 1, HOST["pid"]]:
        # their numbers may be seen, and no more
        for number in range(64):
            try:
                os.open("/proc/%d/fd/%d" % (process, number), os.O_WRONLY)
                return
            except OSError as error:
                refused = error
    raise refused


@way
def read_the_daemons_memory():
    buffer = ctypes.create_string_buffer(8)
    vector = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 8)
    call("process_vm_readv", HOST["pid"], vector, 1, vector, 1, 0)


@way
def limit_the_daemon():
    resource.prlimit(HOST["pid"], resource.RLIMIT_NOFILE, (3, 3))


@way
def find_a_secret_in_the_environment():
    found = [name for name in os.environ if "SECRET" in name or name.startswith(("LISTEN_", "NOTIFY_", "PACKD_"))]
    if not found:
        raise PermissionError("there is none")


@way
def find_an_open_descriptor():
    if not LEFT:
        raise PermissionError("there is none")


@way
def lend_rights_by_chmod():
    open("lent", "w")
    os.chmod("lent", 0o4755)


@way
def lend_rights_by_open():
    os.close(os.open("lent2", os.O_CREAT | os.O_WRONLY, 0o4755))
    if not os.stat("lent2").st_mode & 0o6000:
        raise PermissionError("the bit is not there")


@way
def lend_rights_by_openat2():
    how = (ctypes.c_uint64 * 3)(os.O_CREAT | os.O_WRONLY, 0o4755, 0)
    call("openat2", -100, b"lent3", how, 24)


@way
def make_a_device():
    os.mknod("disk", 0o600 | 0o060000, os.makedev(8, 0))


@way
def become_root():
    os.setuid(0)
    if HOST["is_root"]:
        raise AssertionError("root again")
    if os.geteuid() != 0:
        raise PermissionError("still the same")


@way
def mount_something():
    call("mount", b"none", b"/tmp", b"tmpfs", 0, 0)


@way
def make_a_user_namespace():
    call("unshare", 0x10000000)


@way
def make_a_user_namespace_by_clone3():
    arguments = (ctypes.c_uint64 * 8)(0x10000000, 0, 0, 0, signal.SIGCHLD, 0, 0, 0)
    if call("clone3", arguments, 64) == 0:
        os._exit(0)


@way
def change_the_root():
    call("chroot", b".")


@way
def put_a_key_into_the_kernel():
    call("add_key", b"user", b"out", b"x", 1, -3)


@way
def use_io_uring():
    call("io_uring_setup", 8, ctypes.create_string_buffer(256))


@way
def load_a_bpf_program():
    call("bpf", 0, ctypes.create_string_buffer(128), 128)


@way
def share_memory_that_stays():
    call("shmget", 4242, 4096, 0o1666)


@way
def open_by_handle():
    call("open_by_handle_at", -100, ctypes.create_string_buffer(64), 0)


@way
def stop_page_faults():
    call("userfaultfd", 0)


@way
def take_a_descriptor_of_the_daemon():
    handle = call("pidfd_open", HOST["pid"], 0)
    call("pidfd_getfd", handle, 3, 0)


@way
def take_three_gigabytes_of_memory():
    bytearray(3 << 30)


@way
def write_a_very_large_file():
    with open("large", "wb") as file:
        for _ in range(300):
            file.write(b"\0" * (1 << 20))


@way
def fork_without_end():
    children = []
    try:
        for _ in range(2000):
            child = os.fork()
            if child == 0:
                signal.pause()
            children.append(child)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
        for child in children:
            os.waitpid(child, 0)


def attempt(function):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            function()
            said = "OPEN"
        except BaseException as error:
            said = "closed: %s: %s" % (type(error).__name__, error)
        os.write(writer, said.encode()[:4000])
        os._exit(0)
    os.close(writer)
    said = b""
    while True:
        piece = os.read(reader, 4096)
        if not piece:
            break
        said += piece
    os.close(reader)
    os.waitpid(child, 0)
    return said.decode() or "closed: it was ended"


failed = 0
for function in WAYS:
    said = attempt(function)
    failed += said == "OPEN"
    print("%s: %s" % (function.__name__, said))
print("Total Tests: %d" % len(WAYS))
print("Passed: %d" % (len(WAYS) - failed))
print("Failed: %d" % failed)
sys.exit(failed > 0)
