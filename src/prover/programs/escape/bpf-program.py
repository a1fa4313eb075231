BPF_PROG_LOAD, SOCKET_FILTER = 5, 1
# r0 = 0; exit
code = buffer(bytes.fromhex("b700000000000000" "9500000000000000"))
licence = buffer(b"GPL")
attributes = struct.pack("IIQQIIQII", SOCKET_FILTER, 2, ctypes.addressof(code), ctypes.addressof(licence), 0, 0, 0, 0, 0) + bytes(100)
refused(lambda: syscall("bpf", BPF_PROG_LOAD, attributes, 48), "a program is in the kernel")
