refused(lambda: syscall("move_pages", 0, 0, None, None, None, 0), "move_pages is let through")
