/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What a process says to /dev/tomboloN, the device file of one ivshmem-doorbell or ivshmem v2
 * device.
 *
 *   mmap(offset, length)  that part of the shared memory (BAR2), which must lie in the file's
 * window ioctl()               below; all of them fail with ENODEV once the device was unplugged
 *
 * Of a v2 device a mapping lies within one section (EINVAL), and only the R/W section and the
 * peer's own output section can be written (EPERM).
 *
 * Every open file has rights of its own, which begin as all and can only be narrowed. A descriptor
 * that is passed on carries the rights, and the eventfds, of its file.
 */
#ifndef TOMBOLO_UAPI_H
#define TOMBOLO_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define TOMBOLO_ABI_VERSION 1

/*
 * How the shared memory is mapped by mmap()s that come later. What a v2 peer may not write is
 * always uncached, because the device may ask its server for each access to it.
 */
#define TOMBOLO_MAP_CACHED 0 /* Write-back: what a new file begins with. */
#define TOMBOLO_MAP_WRITE_COMBINING 1
#define TOMBOLO_MAP_UNCACHED 2

struct tombolo_info {
	__u32 abi_version;
	__u32 slot;	     /* The IVPosition register; of a v2 device the ID register. */
	__u32 vectors;	     /* Of this device; the first is 0. */
	__u32 mapping;	     /* TOMBOLO_MAP_..., of this file. */
	__u64 memory_bytes;  /* Of the device; of a v2 device all sections. */
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
	__u16 first_slot; /* Who may be rung: slots, or peers, first to last ... */
	__u16 last_slot;
	__u16 first_vector; /* ... and of each, vectors first to last. */
	__u16 last_vector;
	__u32 flags;
	__u32 reserved; /* 0 */
};

#define TOMBOLO_GET_INFO _IOR('t', 0x80, struct tombolo_info)

/*
 * Each interrupt of `vector` signals the eventfd. A file has one for each vector, several files may
 * have one for the same. They are also signalled when the device is unplugged, and all of a v2
 * device in one-shot mode by each interrupt, because it may have lost others. EPERM: sealed.
 */
#define TOMBOLO_SET_EVENTFD _IOW('t', 0x81, struct tombolo_eventfd)

/*
 * The argument is slot << 16 | vector. What this thread stored before, whatever the mapping, is
 * visible to whoever is woken. EPERM: outside of this file's rights, which begin as all peers and
 * vectors that a v2 device has.
 */
#define TOMBOLO_RING _IO('t', 0x82)

/* EPERM: wider than what the file has, or sealed. What is mapped already stays. */
#define TOMBOLO_RESTRICT _IOW('t', 0x83, struct tombolo_rights)

/* The argument is TOMBOLO_MAP_... EPERM: sealed. */
#define TOMBOLO_SET_MAPPING _IO('t', 0x84)

/* Of a v2 device, in the order in which they lie in its memory. */
struct tombolo_sections {
	__u32 peers;	    /* How many output sections there are. */
	__u32 protocol;	    /* What the peers speak, by the class code; 0 to 0xffff. */
	__u64 table_bytes;  /* State table: a word for each peer. */
	__u64 rw_bytes;	    /* May be 0, as the next one. */
	__u64 output_bytes; /* Of each peer. */
};

/* ENODEV: unplugged, or who serves it has ended. ENOTTY: it is no v2 device. */
#define TOMBOLO_GET_SECTIONS _IOR('t', 0x85, struct tombolo_sections)

/*
 * The argument, 32 bits, is this peer's state from now on, which the others are told. One file at a
 * time has a state that is not 0; it is 0 again when that file says so or is closed, however its
 * process ends. EBUSY: another file has one. EPERM: sealed. ENOTTY: it is no v2 device.
 */
#define TOMBOLO_SET_STATE _IO('t', 0x86)

#endif
