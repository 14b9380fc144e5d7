"""Keeps the pages of files in memory until its input ends: `hold-in-memory.py FILE...` writes how many bytes it holds.

Node cannot lock memory. Reading a file once is not enough where the machine that runs this one takes pages back that nobody asked for in a while.
"""

import ctypes
import mmap
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)
held = []
size = 0
for path in sys.argv[1:]:
    length = os.path.getsize(path)
    if length == 0:
        continue
    # Writable, since ctypes takes the address of nothing else; nothing is written.
    with open(path, "r+b") as file:
        pages = mmap.mmap(file.fileno(), length)
    address = ctypes.addressof(ctypes.c_char.from_buffer(pages))
    if libc.mlock(ctypes.c_void_p(address), ctypes.c_size_t(length)) != 0:
        sys.exit(f"{path}: {os.strerror(ctypes.get_errno())}")
    held.append(pages)
    size += length
print(size, flush=True)
sys.stdin.read()
