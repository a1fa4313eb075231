refused(lambda: open_for_write("/proc/self/mem"), "/proc/self/mem is open for writing")
