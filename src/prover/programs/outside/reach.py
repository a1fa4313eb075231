# Begins with parts/connecting.py.
first_refusal([("connected to " + address, lambda address=address, port=port: connect(address, port))
               for address, port in facts["targets"]])
