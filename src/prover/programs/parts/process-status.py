def status(name):
    for line in read("/proc/self/status", 8192).decode().split(chr(10)):
        if line.startswith(name + ":"):
            return line.split(":", 1)[1].strip()
    return ""
