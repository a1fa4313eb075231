refused(lambda: os.setpriority(os.PRIO_PROCESS, 0, -1), "the priority is higher")
