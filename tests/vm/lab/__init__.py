"""A lab of real virtual machines: boots guests under QEMU, runs programs in them, and leaves nothing behind.

Read in this order: lab.py (what a test sees), guest.py (one VM), containment.py (why nothing survives us).
"""
