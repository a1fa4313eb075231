WRITE_FILE, PATH_BENEATH = 2, 1
def widen():
    ruleset = syscall("landlock_create_ruleset", struct.pack("Q", WRITE_FILE), 8, 0)
    folder = os.open("/", os.O_PATH)
    syscall("landlock_add_rule", ruleset, PATH_BENEATH, struct.pack("=Qi", WRITE_FILE, folder), 0)
    syscall("landlock_restrict_self", ruleset, 0)
answer = attempt(widen)
refused(lambda: open_for_write("/proc/self/comm"), "a file of /proc was opened for writing; the ruleset: " + answer)
