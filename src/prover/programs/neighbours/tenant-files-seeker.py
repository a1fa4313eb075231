refused(lambda: read(facts["neighbour"]["name"]), "a file of the neighbour’s was read")
