READ, WRITE = 0, 0x11
entry = struct.pack("IIII", 0, 0, 0xfffff, 1 << 0 | 1 << 4)
first_refusal([("the table of segments is read", lambda: syscall("modify_ldt", READ, buffer(64), 64)),
               ("a segment is made", lambda: syscall("modify_ldt", WRITE, entry, 16))])
