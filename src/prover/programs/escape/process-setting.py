first_refusal([(told, lambda option=option, value=value: syscall("prctl", option, value, 0, 0, 0))
               for told, option, value in facts["attempts"]])
