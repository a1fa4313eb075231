# Begins with parts/written-programs.py.
program = copy_of(os.path.realpath(sys.executable), "/tmp/program")
runs(lambda: os.execv(program, ["program", "-I", "-c", "import os; os._exit(42)"]), "a binary ran from /tmp")
