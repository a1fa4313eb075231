first_refusal([(name + " was opened", lambda name=name: os.close(os.open("/opt/" + name, os.O_RDONLY | os.O_NONBLOCK))) for name in facts["nodes"]])
