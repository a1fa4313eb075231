open("/tmp/tool", "w").close()
VERSION_2 = 0x02000000
everything = struct.pack("IIIII", VERSION_2 | 1, 0xffffffff, 0, 0x1ff, 0)
refused(lambda: syscall("setxattr", "/tmp/tool", "security.capability", everything, len(everything), 0), "the file has all capabilities")
