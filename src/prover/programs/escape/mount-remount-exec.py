MS_REMOUNT, MS_BIND = 32, 4096
refused(lambda: syscall("mount", None, "/tmp", None, MS_REMOUNT | MS_BIND, None), "/tmp is mounted anew without noexec, nosuid and nodev")
