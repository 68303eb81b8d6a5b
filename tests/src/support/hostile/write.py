"""Packs a folder as the programs do that are written in Python, or with Python's own modules."""

import os
import shutil
import sys
import tarfile
import zipfile

source, target = sys.argv[1:]


def out(name):
    return os.path.join(target, name)


class Stream:
    """A file that cannot be sought in, as a pipe or a socket."""

    def __init__(self, path):
        self.file = open(path, "wb")

    def write(self, data):
        return self.file.write(data)

    def flush(self):
        self.file.flush()


def short(member):
    """Leaves out what has no place in the oldest of the three."""
    return None if "/long-" in member.name or "/long-" in member.linkname else member


for name, form in [("ustar", tarfile.USTAR_FORMAT), ("gnu", tarfile.GNU_FORMAT), ("pax", tarfile.PAX_FORMAT)]:
    for ending, mode in [("tar", "w"), ("tar.gz", "w:gz")]:
        with tarfile.open(out(f"python-{name}.{ending}"), mode, format=form) as archive:
            archive.add(source, arcname="hostile-1.0.0", filter=short if name == "ustar" else None)
    with tarfile.open(out(f"python-{name}-stream.tar.gz"), "w|gz", format=form) as archive:
        archive.add(source, arcname=".", filter=short if name == "ustar" else None)
os.chdir(target)
shutil.make_archive("python-shutil", "gztar", source)
shutil.make_archive("python-shutil", "zip", source)


def files():
    for folder, folders, names in os.walk(source):
        for name in sorted(folders):
            yield os.path.join(folder, name), True
        for name in sorted(names):
            yield os.path.join(folder, name), False


def zipped(file, force_zip64):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, is_folder in files():
            if os.path.islink(path):
                continue
            info = zipfile.ZipInfo.from_file(path, os.path.relpath(path, source))
            info.compress_type = zipfile.ZIP_DEFLATED
            if is_folder:
                archive.writestr(info, b"")
                continue
            with open(path, "rb") as content, archive.open(info, "w", force_zip64=force_zip64) as entry:
                shutil.copyfileobj(content, entry)


zipped(out("python-zip64.zip"), True)
zipped(Stream(out("python-stream.zip")), False)
zipped(Stream(out("python-stream-zip64.zip")), True)
