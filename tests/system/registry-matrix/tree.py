"""Prints a tree, a line for each path: everything that a layer can say of it. Below what argv[1] names."""

import hashlib
import os
import stat
import sys

root = os.fsencode(sys.argv[1])
kinds = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "fifo",
    stat.S_IFCHR: "character",
    stat.S_IFBLK: "block",
}
first_name = {}


def describe(path):
    facts = os.lstat(path)
    kind = kinds.get(stat.S_IFMT(facts.st_mode), "other")
    fields = [kind, "%o" % stat.S_IMODE(facts.st_mode), "%d:%d" % (facts.st_uid, facts.st_gid)]
    if kind != "directory":
        fields.append("mtime=%d" % facts.st_mtime_ns)
    if kind == "link":
        fields.append("to=%r" % os.readlink(path))
    if kind in ("character", "block"):
        fields.append("device=%d:%d" % (os.major(facts.st_rdev), os.minor(facts.st_rdev)))
    if kind == "file":
        if facts.st_nlink > 1:
            fields.append("same=%r" % first_name.setdefault((facts.st_dev, facts.st_ino), os.path.relpath(path, root)))
        digest = hashlib.sha256()
        with open(path, "rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
        fields += [str(facts.st_size), digest.hexdigest()]
    for name in sorted(os.listxattr(path, follow_symlinks=False)):
        if not name.startswith("trusted.overlay."):
            fields.append("%s=%s" % (name, os.getxattr(path, name, follow_symlinks=False).hex()))
    return " ".join(fields)


for directory, folders, files in os.walk(root):
    folders.sort()
    for name in sorted(folders + files):
        path = os.path.join(directory, name)
        print("%r %s" % (os.path.relpath(path, root), describe(path)))
