exec(facts["given"])
