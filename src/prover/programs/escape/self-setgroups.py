found(["/proc/self/setgroups"], open_for_write, "opened for writing")
