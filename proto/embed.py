#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed.py FILE NAME OUTPUT: the bytes of FILE as the C array NAME with NAME_size."""

import sys

with open(sys.argv[1], "rb") as file:
    data = file.read()
name = sys.argv[2]
lines = [", ".join(str(b) for b in data[i : i + 16]) for i in range(0, len(data), 16)]
with open(sys.argv[3], "w", encoding="ascii") as out:
    out.write("#include <stddef.h>\n")
    out.write(f"extern const unsigned char {name}[];\nextern const size_t {name}_size;\n")
    out.write(f"const unsigned char {name}[] = {{\n" + ",\n".join(lines) + "\n};\n")
    out.write(f"const size_t {name}_size = {len(data)};\n")
