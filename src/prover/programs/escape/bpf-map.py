BPF_MAP_CREATE, ARRAY = 0, 2
attributes = struct.pack("IIIII", ARRAY, 4, 8, 1, 0) + bytes(100)
refused(lambda: syscall("bpf", BPF_MAP_CREATE, attributes, 72), "a map is made")
