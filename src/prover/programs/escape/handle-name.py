handle, mount = buffer(struct.pack("Ii", 128, 0) + bytes(128)), buffer(4)
let_through(lambda: syscall("name_to_handle_at", -100, "/tmp", handle, mount, 0), ["EOPNOTSUPP"], "name_to_handle_at is let through")
