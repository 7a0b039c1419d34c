/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What a process says to /dev/tomboloN, the device file of one ivshmem-doorbell device.
 *
 *   mmap(offset, length)  that part of the shared memory (BAR2), which must lie in the file's
 * window ioctl()               below; all of them fail with ENODEV once the device was unplugged
 *
 * Every open file has rights of its own, which begin as all and can only be narrowed. A descriptor
 * that is passed on carries the rights, and the eventfds, of its file.
 */
#ifndef TOMBOLO_UAPI_H
#define TOMBOLO_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define TOMBOLO_ABI_VERSION 1

/* How the shared memory is mapped by mmap()s that come later. */
#define TOMBOLO_MAP_CACHED 0 /* Write-back: what a new file begins with. */
#define TOMBOLO_MAP_WRITE_COMBINING 1
#define TOMBOLO_MAP_UNCACHED 2

struct tombolo_info {
	__u32 abi_version;
	__u32 slot;	     /* The IVPosition register. */
	__u32 vectors;	     /* Of this device; the first is 0. */
	__u32 mapping;	     /* TOMBOLO_MAP_..., of this file. */
	__u64 memory_bytes;  /* Of the device. */
	__u64 window_offset; /* Of this file; in bytes, from the memory's begin. */
	__u64 window_bytes;
};

struct tombolo_eventfd {
	__u32 vector;
	__s32 fd; /* -1: none any more. */
};

/* Mappings cannot be written. */
#define TOMBOLO_READ_ONLY 1
/* This file's rights, mapping and eventfds stay as they are. */
#define TOMBOLO_SEALED 2

struct tombolo_rights {
	__u64 window_offset; /* Whole pages, within the window so far. */
	__u64 window_bytes;
	__u16 first_slot; /* Who may be rung: slots first to last ... */
	__u16 last_slot;
	__u16 first_vector; /* ... and of each, vectors first to last. */
	__u16 last_vector;
	__u32 flags;
	__u32 reserved; /* 0 */
};

#define TOMBOLO_GET_INFO _IOR('t', 0x80, struct tombolo_info)

/*
 * Each interrupt of `vector` signals the eventfd. A file has one for each vector, several files may
 * have one for the same. They are also signalled when the device is unplugged. EPERM: sealed.
 */
#define TOMBOLO_SET_EVENTFD _IOW('t', 0x81, struct tombolo_eventfd)

/*
 * The argument is slot << 16 | vector. What this thread stored before, whatever the mapping, is
 * visible to whoever is woken. EPERM: outside of this file's rights.
 */
#define TOMBOLO_RING _IO('t', 0x82)

/* EPERM: wider than what the file has, or sealed. What is mapped already stays. */
#define TOMBOLO_RESTRICT _IOW('t', 0x83, struct tombolo_rights)

/* The argument is TOMBOLO_MAP_... EPERM: sealed. */
#define TOMBOLO_SET_MAPPING _IO('t', 0x84)

#endif
