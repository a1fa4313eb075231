let_through(lambda: syscall("delete_module", "ward_prove_no_such_module", os.O_NONBLOCK), ["ENOENT"], "modules may be unloaded")
