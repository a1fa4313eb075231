root = os.open("/", os.O_PATH)
ways = ["/proc/self/root/proc/self/comm", "/proc/self/cwd/proc/self/comm", "/proc/self/fd/" + str(root) + "/proc/self/comm",
        "/tmp/../proc/self/comm"]
os.symlink("/proc/self/comm", "/tmp/link")
first_refusal([(way + " was opened for writing", lambda way=way: open_for_write(way)) for way in ways + ["/tmp/link"]])
