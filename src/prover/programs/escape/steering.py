found(facts["paths"], open_for_write, "opened for writing")
