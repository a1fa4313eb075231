SO_MARK, SO_RCVBUFFORCE, SO_SNDBUFFORCE, IP_TRANSPARENT, TCP_REPAIR = 36, 33, 32, 19, 19
end = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
first_refusal([(name + " is set", lambda level=level, option=option: end.setsockopt(level, option, 1))
               for name, level, option in (("SO_MARK", 1, SO_MARK), ("SO_RCVBUFFORCE", 1, SO_RCVBUFFORCE), ("SO_SNDBUFFORCE", 1, SO_SNDBUFFORCE),
                                           ("IP_TRANSPARENT", 0, IP_TRANSPARENT), ("TCP_REPAIR", 6, TCP_REPAIR))])
