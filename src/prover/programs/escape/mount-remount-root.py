MS_REMOUNT, MS_BIND = 32, 4096
refused(lambda: syscall("mount", None, "/", None, MS_REMOUNT | MS_BIND, None), "the root is mounted anew, writable")
