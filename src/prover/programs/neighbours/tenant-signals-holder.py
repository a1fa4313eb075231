holds(pid=os.getpid())
