nodes = struct.pack("Q", 1)
refused(lambda: syscall("migrate_pages", 0, 64, nodes, nodes), "migrate_pages is let through")
