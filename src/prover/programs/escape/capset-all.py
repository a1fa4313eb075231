VERSION_3 = 0x20080522
everything = struct.pack("IIIIII", 0xffffffff, 0xffffffff, 0, 0x1ff, 0x1ff, 0)
refused(lambda: syscall("capset", struct.pack("Ii", VERSION_3, 0), everything), "all capabilities are effective")
