FAMILIES = {"AX25": 3, "IPX": 4, "APPLETALK": 5, "NETROM": 6, "X25": 9, "ROSE": 11, "DECNET": 12, "KEY": 15, "RDS": 21, "PPPOX": 24, "LLC": 26,
            "IB": 27, "MPLS": 28, "CAN": 29, "TIPC": 30, "BLUETOOTH": 31, "IUCV": 32, "RXRPC": 33, "PHONET": 35, "IEEE802154": 36, "CAIF": 37,
            "NFC": 39, "VSOCK": 40, "KCM": 41, "QIPCRTR": 42, "SMC": 43, "XDP": 44, "MCTP": 45}
# No socket has this type. The kernel reports that (EINVAL) after the filter and before it loads a module.
NO_SUCH_TYPE = 15
def open_socket(family, kind=NO_SUCH_TYPE, protocol=0):
    syscall("socket", family, kind, protocol)
