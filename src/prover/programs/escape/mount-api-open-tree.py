OPEN_TREE_CLONE, AT_RECURSIVE = 1, 0x8000
refused(lambda: syscall("open_tree", -100, "/", OPEN_TREE_CLONE | AT_RECURSIVE), "a copy of all mounts is open")
