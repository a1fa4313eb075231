let_through(lambda: syscall("request_key", "user", "ward-prove", None, 0), ["ENOKEY"], "keyrings are searched")
