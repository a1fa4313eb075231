open("/tmp/device", "w").close()
refused(lambda: syscall("mount", "/dev/zero", "/tmp/device", None, 4096, None), "/dev/zero is bound to /tmp/device")
