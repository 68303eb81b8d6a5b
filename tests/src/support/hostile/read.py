"""Prints what Python's own tarfile and zipfile read in archives, as JSON: for each file, path to kind and content."""

import hashlib
import json
import os
import stat
import sys
import tarfile
import zipfile


def of_file(content, executable):
    digest = hashlib.sha256(content).hexdigest()
    return {"executable": executable, "length": len(content), "sha256": digest}


def put(tree, name, node):
    path = name.removeprefix("./").rstrip("/")
    if path in ("", "."):
        return
    parts = path.split("/")
    for end in range(1, len(parts)):
        tree.setdefault("/".join(parts[:end]), None)
    tree[path] = node


def read_tar(path):
    tree = {}
    with tarfile.open(path) as archive:
        for member in archive:
            if member.isdir():
                put(tree, member.name, None)
            elif member.issym():
                put(tree, member.name, {"target": member.linkname})
            else:
                assert member.isreg(), member
                content = archive.extractfile(member).read()
                put(tree, member.name, of_file(content, member.mode & 0o111 != 0))
    return tree


def read_zip(path):
    tree = {}
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        for member in archive.infolist():
            mode = member.external_attr >> 16
            is_unix = member.create_system in (3, 19)
            content = archive.read(member)
            if member.is_dir():
                put(tree, member.filename, None)
            elif is_unix and stat.S_ISLNK(mode):
                put(tree, member.filename, {"target": content.decode()})
            else:
                put(tree, member.filename, of_file(content, is_unix and mode & 0o111 != 0))
    return tree


folder = sys.argv[1]
trees = {}
for name in sorted(os.listdir(folder)):
    path = os.path.join(folder, name)
    trees[name] = read_zip(path) if name.endswith(".zip") else read_tar(path)
json.dump(trees, sys.stdout)
