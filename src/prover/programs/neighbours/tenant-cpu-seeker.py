first_refusal([("the group of the session has a higher weight", lambda: open_for_write("/proc/self/autogroup")),
               ("the users’ priority is raised", lambda: os.setpriority(os.PRIO_USER, 0, -5))])
