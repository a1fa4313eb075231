text = b"#!" + os.path.realpath(sys.executable).encode() + b" -I" + bytes([10]) + b"import os; os._exit(42)" + bytes([10])
def written(path):
    """Writes a script that exits with 42."""
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o755)
    os.write(descriptor, text)
    os.close(descriptor)
    os.chmod(path, 0o755)
    return path
def copy_of(path, target):
    with open(path, "rb") as source, open(target, "wb") as copy:
        copy.write(source.read())
    os.chmod(target, 0o755)
    return target
