# Copyright: the packd authors
# SPDX-License-Identifier: Apache-2.0
"""Packs that lie on the managed host, as an archive or a folder: sent to packd with the rights of the task."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import hashlib
import os
import tarfile
import tempfile

# How much is read at a time.
PIECE = 1 << 20

# Of a folder, what is never part of a pack.
LEFT_OUT = ("__pycache__", ".git", ".venv")


def is_local(source):
    """Whether a source is a path rather than a URL or a repository."""
    return source.startswith(("/", "./", "../", "~"))


class Archive(object):
    """An archive to send: the file itself, or what a folder was packed into."""

    def __init__(self, source):
        self.source = os.path.abspath(os.path.expanduser(source))
        if os.path.isdir(self.source):
            self._file = tempfile.TemporaryFile()
            try:
                _pack(self.source, self._file)
            except Exception:
                self._file.close()
                raise
        else:
            self._file = open(self.source, "rb")
        self.bytes = self._file.seek(0, os.SEEK_END)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def digest(self, algorithm="sha256"):
        """What its bytes digest to, with the name of the algorithm before it."""
        hasher = hashlib.new(algorithm)
        for piece in iter(self.rewound().__next__, b""):
            hasher.update(piece)
        return "%s:%s" % (algorithm, hasher.hexdigest())

    def rewound(self):
        """Its bytes from the beginning, piece by piece; an empty piece is the end."""
        self._file.seek(0)
        while True:
            piece = self._file.read(PIECE)
            yield piece
            if not piece:
                return


def _pack(folder, file):
    """Packs a folder, so that the same files make the same bytes."""

    def settled(member):
        # a second name of a file is a file of its own in a pack
        tar.inodes.clear()
        if os.path.basename(member.name) in LEFT_OUT or member.name.endswith(".pyc"):
            return None
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mtime = 0
        member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
        return member

    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT, dereference=False) as tar:
        for name in sorted(os.listdir(folder)):
            tar.add(os.path.join(folder, name), arcname=name, filter=settled)
