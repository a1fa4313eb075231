attribute = facts["attribute"]
open("/tmp/file", "w").close()
refused(lambda: syscall("setxattr", "/tmp/file", attribute, b"y", 1, 0), attribute + " is set")
