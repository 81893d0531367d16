# SPDX-License-Identifier: MIT
"""What a disk may hold after a power loss, for operations of recorder.py.

The model, of a journaling file system (ext4, xfs, btrfs), and in doubt against it:

- A change of names (creation, link, removal, rename) may be lost until its directory is synced.
  Within a directory none outlives the loss of an earlier one; directories lose independently of
  each other. A rename between two directories is one change, and in both or in neither.
- A sync of a file makes its bytes, attributes and mode durable, but none of its names.
- What was written to a file since its last sync, with attributes and mode, may be there, or not, or
  up to any point, the last write torn in the middle; or the size is there and the bytes are zeros.
- What is not reachable from the root is gone.
"""

import hashlib
import os


class Image:
    """A tree of files, as it is after some operations."""

    def __init__(self):
        self.names = {0: {}}
        self.data = {}  # file: bytearray, shorter than the size where the rest is a hole
        self.size = {}
        self.xattrs = {}
        self.mode = {}

    def rename(self, operation):
        what, more = operation.what, operation.more
        if what == "add":
            self.names.setdefault(more[0], {})[more[1]] = more[2]
        elif what == "remove":
            self.names.setdefault(more[0], {}).pop(more[1], None)
        else:
            file = self.names.setdefault(more[0], {}).pop(more[1], None)
            if file is not None:
                self.names.setdefault(more[2], {})[more[3]] = file

    def change(self, operation, torn=False, zeros=False):
        what, file, more = operation.what, operation.more[0], operation.more[1:]
        data = self.data.setdefault(file, bytearray())
        if what == "write":
            offset, piece = more
            if torn:
                piece = piece[:len(piece) // 2]
            if zeros:
                piece = bytes(len(piece))
            data[len(data):] = bytes(max(0, offset - len(data)))
            data[offset:offset + len(piece)] = piece
            self.size[file] = max(self.size.get(file, 0), offset + len(piece))
        elif what == "size":
            del data[more[0]:]
            self.size[file] = more[0]
        elif what == "xattr":
            values = self.xattrs.setdefault(file, {})
            if more[1] is None:
                values.pop(more[0], None)
            else:
                values[more[0]] = more[1]
        else:
            self.mode[file] = more[0]

    def walk(self, directory, directories, path=""):
        for name, file in sorted(self.names.get(directory, {}).items()):
            yield f"{path}{name}", file
            if file in directories:
                yield from self.walk(file, directories, f"{path}{name}/")

    def digest(self, directories):
        found = hashlib.sha256()
        for path, file in self.walk(0, directories):
            found.update(repr((path, bytes(self.data.get(file, b"")), self.size.get(file),
                               sorted(self.xattrs.get(file, {}).items()),
                               self.mode.get(file))).encode("utf-8", "surrogateescape"))
        return found.hexdigest()

    def write_to(self, root, directories):
        """Make it, with its links, below the new directory @root."""
        made = {}
        os.mkdir(root, 0o700)
        for path, file in self.walk(0, directories):
            path = os.path.join(root, path)
            if file in directories:
                os.mkdir(path, 0o700)
                continue
            if file in made:
                os.link(made[file], path)
                continue
            made[file] = path
            with open(path, "wb") as out:
                out.write(self.data.get(file, b""))
                out.truncate(self.size.get(file, 0))
                os.fchmod(out.fileno(), self.mode.get(file, 0o600))
        for file, path in made.items():
            for name, value in self.xattrs.get(file, {}).items():
                os.setxattr(path, name, value)
        for path, file in self.walk(0, directories):
            if file in directories:
                for name, value in self.xattrs.get(file, {}).items():
                    os.setxattr(os.path.join(root, path), name, value)


NAMES = ("add", "remove", "move")
CONTENT = ("write", "size", "xattr", "mode")


class Disk:
    """The states in which the disk may be found, by the operations up to one of them."""

    def __init__(self, operations, directories):
        self.operations = operations
        self.directories = directories

    def unsafe(self, cut):
        """Of the first `cut` operations: per directory those on its names and how many of them are
        durable; the same of each file's content."""
        names, contents, safe_names, safe_contents = {}, {}, {}, {}
        for operation in self.operations[:cut]:
            if operation.what in NAMES:
                touched = {operation.more[0]}
                if operation.what == "move":
                    touched.add(operation.more[2])
                for directory in touched:
                    names.setdefault(directory, []).append(operation)
            elif operation.what in CONTENT:
                contents.setdefault(operation.more[0], []).append(operation)
            elif operation.what == "sync":
                file, since = operation.more
                for known, safe in ((names, safe_names), (contents, safe_contents)):
                    count = sum(one.at < since for one in known.get(file, ()))
                    safe[file] = max(count, safe.get(file, 0))
        return names, contents, safe_names, safe_contents

    @staticmethod
    def close_over(names, counts, keep):
        """Make the counts agree on moves: raised (keep) or lowered until each is in both or none."""
        positions = {(directory, operation.at): index for directory, operations in names.items()
                     for index, operation in enumerate(operations)}
        moved = True
        while moved:
            moved = False
            for directory, operations in names.items():
                for index, operation in enumerate(operations):
                    if operation.what != "move" or operation.more[0] == operation.more[2]:
                        continue
                    other = operation.more[2 if operation.more[0] == directory else 0]
                    there = positions[other, operation.at]
                    here_in = index < counts.get(directory, 0)
                    there_in = there < counts.get(other, 0)
                    if keep and here_in and not there_in:
                        counts[other], moved = there + 1, True
                    elif not keep and here_in and not there_in:
                        counts[directory], moved = index, True
                        break
        return counts

    def state(self, cut, choose_names, choose_content):
        """One state after `cut` operations.

        @choose_names    (directory, least, most) -> how many of its changes are there
        @choose_content  (file, least, most) -> the same, "torn" and "zeros" behind a number: (n, how)
        """
        names, contents, safe_names, safe_contents = self.unsafe(cut)
        safe_names = self.close_over(names, safe_names, keep=True)
        counts = {directory: choose_names(directory, safe_names.get(directory, 0), len(operations))
                  for directory, operations in names.items()}
        counts = self.close_over(names, counts, keep=False)
        image = Image()
        kept = {operation.at: operation for directory, operations in names.items()
                for operation in operations[:counts[directory]]}
        for at in sorted(kept):
            image.rename(kept[at])
        for file, operations in contents.items():
            least = safe_contents.get(file, 0)
            count, how = choose_content(file, least, len(operations))
            for index, operation in enumerate(operations[:count]):
                image.change(operation, how == "torn" and index == count - 1 and index >= least,
                             how == "zeros" and index >= least)
        return image

    def states(self, cut, random, more):
        """The extreme states after `cut` operations, and `more` random ones."""
        def least(_, low, __):
            return low

        def most(_, __, high):
            return high

        def content(pick, how=None):
            return lambda file, low, high: (pick(file, low, high), how)

        def any_names(_, low, high):
            return random.randint(low, high)

        def any_content(_, low, high):
            return random.randint(low, high), random.choice((None, "torn", "zeros"))

        yield self.state(cut, least, content(least))
        yield self.state(cut, most, content(most))
        yield self.state(cut, most, content(least))
        yield self.state(cut, most, content(most, "zeros"))
        yield self.state(cut, most, content(most, "torn"))
        yield self.state(cut, least, content(most))
        for _ in range(more):
            yield self.state(cut, any_names, any_content)
