# Maps pages and releases them without touching them. ENOMEM: the filter allowed the call, and the reserve is empty.
PROT_READ, MAP_PRIVATE, MAP_ANONYMOUS, MAP_HUGETLB = 1, 2, 0x20, 0x40000
let_through(lambda: syscall("mmap", 0, 1 << 21, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0), ["ENOMEM"], "large pages may be mapped")
