def start():
    code = "import os; os._exit(42 if 0 in os.getresuid() + os.getresgid() else 7)"
    os.execv("/opt/tool", ["tool", "-I", "-c", code])
runs(start, "a program of the image’s runs as root")
