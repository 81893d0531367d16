# SPDX-License-Identifier: MIT
"""What a daemon does to its store, as a list of operations on a model of a file system.

The daemon runs under strace, which sees every system call, whoever makes it; nothing has to be
built for it. Descriptors are followed by open, close, the publisher's unshare and the keeper's
name, so that an operation is on a file and not on a path. Replaying all of it has to give the store
as it is in the end, byte by byte (crash_states.py checks that): a call that is not understood here
is found so.
"""

import collections
import re

CALLS = ("openat,open,close,dup,dup2,dup3,fcntl,lseek,write,pwrite64,writev,pwritev,rename,renameat,"
         "renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir,symlink,symlinkat,truncate,"
         "ftruncate,fallocate,copy_file_range,splice,fsync,fdatasync,setxattr,lsetxattr,fsetxattr,"
         "removexattr,lremovexattr,fremovexattr,chmod,fchmod,fchmodat,sendto,unshare,utimensat,chown,"
         "fchownat,fchown,prctl")
KEEPER = b"easelfs-keeper"  # what the one other process calls itself before it does anything

MARK = "mark-"  # a name that is looked up in the mount to say what its user knows by then

# at: the number of the operation; what: its name; more: what it is done to. The first six change
# names and carry the numbers of directories, the next five change a file.
#   add DIRECTORY NAME FILE         remove DIRECTORY NAME
#   move DIRECTORY NAME DIRECTORY NAME
#   write FILE OFFSET BYTES         size FILE BYTES
#   xattr FILE NAME VALUE|None      mode FILE MODE
#   sync FILE SINCE                 what was done before the operation SINCE is durable
#   mark TEXT                       send ID
Operation = collections.namedtuple("Operation", "at what more")


def command(log):
    return ["strace", "-f", "-qq", "-xx", "-s", "16777216", "--seccomp-bpf", "-e", "signal=none",
            "-e", f"trace={CALLS}", "-o", str(log)]


def unquote(text):
    """The bytes of "\\x61\\x62", with what strace puts behind a string that was cut."""
    assert text.startswith('"') and text.endswith('"'), text[:80]
    return bytes.fromhex(text[1:-1].replace("\\x", ""))


def split(text):
    """Arguments at the top level; strings are hexadecimal, so that no comma stands in one."""
    arguments, depth, begin = [], 0, 0
    for at, character in enumerate(text):
        if character in "[{(":
            depth += 1
        elif character in "]})":
            depth -= 1
        elif character == "," and depth == 0:
            arguments.append(text[begin:at].strip())
            begin = at + 1
    arguments.append(text[begin:].strip())
    return arguments


CALL = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+|\?)(.*)$", re.S)
UNFINISHED = re.compile(r"(\d+) +(\w+)\((.*) <unfinished \.\.\.>$", re.S)
RESUMED = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)$", re.S)


class Table:
    """Descriptors of a process."""

    def __init__(self, files=None):
        self.files = dict(files or {})  # descriptor: [file, offset, appends]


class Recorder:
    """The operations of a log of strace, for the store at `root`."""

    def __init__(self, root):
        self.root = str(root)
        self.operations = []
        self.names = {0: {}}  # directory: {name: file}
        self.parents = {0: 0}
        self.sizes = {}
        self.contents = {}
        self.shared = Table()
        self.tables = {}
        self.pending = {}
        self.count = 1

    def read(self, log):
        with open(log, encoding="ascii", errors="replace") as lines:
            for line in lines:
                self.line(line.rstrip("\n"))
        return self.operations

    def line(self, line):
        match = UNFINISHED.match(line)
        if match:
            self.pending[match[1]] = (match[2], match[3], len(self.operations))
            if match[2] == "close":  # another thread may get the number before this one goes on
                self.table(match[1]).pop(int(match[3].rstrip(") ,")), None)
            return
        match = RESUMED.match(line)
        since = len(self.operations)
        if match:
            name, begin, since = self.pending.pop(match[1])
            if name == "close":
                return
            line = f"{match[1]} {name}({begin}{match[3]}"
        match = CALL.match(line)
        if match and match[4] != "?":
            self.call(match[1], match[2], split(match[3]), int(match[4]), since)

    def add(self, what, *more):
        self.operations.append(Operation(len(self.operations), what, more))

    def table(self, thread):
        return self.tables.get(thread, self.shared).files

    def call(self, thread, name, arguments, result, since):
        self.files = self.table(thread)
        if name == "unshare" or (name == "prctl" and arguments[0] == "PR_SET_NAME"
                                 and unquote(arguments[1]) == KEEPER):
            self.tables[thread] = Table()
        elif name == "openat":
            self.open(arguments, result)
        elif result < 0:
            return
        elif name == "close":
            self.files.pop(int(arguments[0]), None)
        elif name == "sendto":
            found = re.search(rb"Idempotency-Key: (\w+)", unquote(arguments[1]))
            if found:
                self.add("send", found[1].decode())
        elif name in ("fsync", "fdatasync"):
            file = self.of(arguments[0])
            if file is not None:
                self.add("sync", file, since)
        else:
            method = getattr(self, f"call_{name}", None)
            if method:
                method(arguments, result)

    # Which file is meant

    def of(self, descriptor):
        entry = self.files.get(int(descriptor)) if descriptor != "AT_FDCWD" else None
        return entry[0] if entry else None

    def find(self, directory, path):
        """The file at a path, the directory that it would stand in, and its name there."""
        path = unquote(path).decode("utf-8", "surrogateescape")
        alias = re.fullmatch(r"/proc/self/fd/(\d+)(/.*)?", path)
        if alias:
            start, rest = self.of(alias[1]), (alias[2] or "").strip("/")
            if not rest:
                return start, None, None
        elif path.startswith("/"):
            if path != self.root and not path.startswith(self.root + "/"):
                return None, None, None
            start, rest = 0, path[len(self.root):].strip("/")
        else:
            start, rest = self.of(directory), path
        if start is None:
            return None, None, None
        if rest in ("", "."):
            return start, None, None
        *above, last = rest.split("/")
        for step in above:
            start = self.names.get(start, {}).get(step)
        if start is None:
            return None, None, None
        return self.names.get(start, {}).get(last), start, last

    # What is done to it

    def make(self, directory, name, is_directory):
        file = self.count
        self.count += 1
        if is_directory:
            self.names[file] = {}
        else:
            self.sizes[file] = 0
            self.contents[file] = {}
        self.names[directory][name] = file
        self.add("add", directory, name, file)
        return file

    def open(self, arguments, result):
        file, directory, name = self.find(*arguments[:2])
        if name and name.startswith(MARK):
            self.add("mark", name[len(MARK):])
        if result < 0:
            return
        flags = arguments[2].split("|")
        if file is None and directory is not None and "O_CREAT" in flags:
            file = self.make(directory, name, False)
            self.add("mode", file, int(arguments[3], 8))
        elif file is not None and "O_TRUNC" in flags and self.sizes.get(file):
            self.resize(file, 0)
        self.files[result] = [file, 0, "O_APPEND" in flags]

    def resize(self, file, size):
        self.sizes[file] = size
        self.add("size", file, size)

    def put(self, file, offset, data):
        self.sizes[file] = max(self.sizes[file], offset + len(data))
        self.add("write", file, offset, data)

    def append(self, descriptor, data):
        entry = self.files.get(int(descriptor))
        if not entry or entry[0] not in self.sizes:
            return
        offset = self.sizes[entry[0]] if entry[2] else entry[1]
        self.put(entry[0], offset, data)
        entry[1] = offset + len(data)

    def call_dup(self, arguments, result):
        if int(arguments[0]) in self.files:
            self.files[result] = self.files[int(arguments[0])]

    call_dup2 = call_dup3 = call_dup

    def call_fcntl(self, arguments, result):
        if arguments[1].startswith("F_DUPFD"):
            self.call_dup(arguments, result)

    def call_lseek(self, arguments, result):
        if int(arguments[0]) in self.files:
            self.files[int(arguments[0])][1] = result

    def call_write(self, arguments, result):
        self.append(arguments[0], unquote(arguments[1])[:result])

    def call_writev(self, arguments, result):
        if self.of(arguments[0]) in self.sizes:
            pieces = re.findall(r'iov_base=("[^"]*")', arguments[1])
            self.append(arguments[0], b"".join(map(unquote, pieces))[:result])

    def call_pwrite64(self, arguments, result):
        file = self.of(arguments[0])
        if file in self.sizes:
            self.put(file, int(arguments[3]), unquote(arguments[1])[:result])

    def call_copy_file_range(self, arguments, result):
        source = self.of(arguments[0])
        offset = int(arguments[1].strip("[]")) if arguments[1] != "NULL" else 0
        data = self.bytes_of(source)[offset:offset + result]
        self.append(arguments[2], data)

    def bytes_of(self, file):
        data = bytearray()
        for operation in self.operations:
            if operation.what == "write" and operation.more[0] == file:
                _, offset, piece = operation.more
                data[len(data):] = bytes(max(0, offset - len(data)))
                data[offset:offset + len(piece)] = piece
            elif operation.what == "size" and operation.more[0] == file:
                data = data[:operation.more[1]]
        return bytes(data)

    def call_ftruncate(self, arguments, _):
        file = self.of(arguments[0])
        if file in self.sizes:
            self.resize(file, int(arguments[1]))

    def call_fallocate(self, arguments, _):
        file = self.of(arguments[0])
        if file in self.sizes and arguments[1] == "0":
            self.resize(file, max(self.sizes[file], int(arguments[2]) + int(arguments[3])))

    def call_mkdirat(self, arguments, _):
        _, directory, name = self.find(*arguments[:2])
        if directory is not None:
            self.make(directory, name, True)

    def call_mkdir(self, arguments, result):
        self.call_mkdirat(["AT_FDCWD", *arguments], result)

    def call_unlinkat(self, arguments, _):
        _, directory, name = self.find(*arguments[:2])
        if directory is not None:
            self.names[directory].pop(name)
            self.add("remove", directory, name)

    def call_linkat(self, arguments, _):
        file, _, _ = self.find(*arguments[:2])
        _, directory, name = self.find(*arguments[2:4])
        if directory is not None:
            self.names[directory][name] = file
            self.add("add", directory, name, file)

    def call_renameat(self, arguments, _):
        file, old_directory, old_name = self.find(*arguments[:2])
        _, directory, name = self.find(*arguments[2:4])
        if directory is None or old_directory is None:
            return
        assert "EXCHANGE" not in "".join(arguments[4:])
        del self.names[old_directory][old_name]
        self.names[directory][name] = file
        self.add("move", old_directory, old_name, directory, name)

    call_renameat2 = call_renameat

    def call_fsetxattr(self, arguments, _):
        file = self.of(arguments[0])
        if file is not None:
            self.add("xattr", file, unquote(arguments[1]).decode(), unquote(arguments[2]))

    def call_setxattr(self, arguments, _):
        file, _, _ = self.find("AT_FDCWD", arguments[0])
        if file is not None:
            self.add("xattr", file, unquote(arguments[1]).decode(), unquote(arguments[2]))

    call_lsetxattr = call_setxattr

    def call_removexattr(self, arguments, _):
        file, _, _ = self.find("AT_FDCWD", arguments[0])
        if file is not None:
            self.add("xattr", file, unquote(arguments[1]).decode(), None)

    call_lremovexattr = call_removexattr

    def call_fremovexattr(self, arguments, _):
        file = self.of(arguments[0])
        if file is not None:
            self.add("xattr", file, unquote(arguments[1]).decode(), None)

    def call_fchmod(self, arguments, _):
        file = self.of(arguments[0])
        if file is not None:
            self.add("mode", file, int(arguments[1], 8))

    def call_chmod(self, arguments, _):
        file, _, _ = self.find("AT_FDCWD", arguments[0])
        if file is not None:
            self.add("mode", file, int(arguments[1], 8))
