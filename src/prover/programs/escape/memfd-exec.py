def start():
    descriptor = syscall("memfd_create", "ward", 0)
    with open(os.path.realpath(sys.executable), "rb") as program:
        os.write(descriptor, program.read())
    os.execve("/proc/self/fd/" + str(descriptor), ["python3", "-I", "-c", "import os; os._exit(42)"], {"PATH": "/usr/bin"})
runs(start, "a program ran from memory")
