/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside of the module: one tombolo_device for each PCI device that is bound, one tombolo_file for
 * each open file. A device lives as long as its last file; `alive` guards whether there still is
 * hardware behind it.
 *
 * Locks, outermost first: device->alive, file->lock, v2.lock, vector->lock (taken by interrupts
 * too).
 */
#ifndef TOMBOLO_H
#define TOMBOLO_H

#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/eventfd.h>
#include <linux/list.h>
#include <linux/memremap.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/version.h>

#include "tombolo_uapi.h"

#define TOMBOLO_MEMORY_BAR 2
#define TOMBOLO_V2_VENDOR 0x110a
#define TOMBOLO_V2_DEVICE 0x4106
#define TOMBOLO_MOST_DEVICES 64
#define TOMBOLO_MOST_VECTORS 256 /* QEMU masks the vector of a doorbell to 8 bits. */

struct tombolo_vector {
	struct tombolo_device *device;
	spinlock_t lock;
	struct list_head listeners; /* struct tombolo_listener */
};

struct tombolo_listener {
	struct list_head node;
	struct eventfd_ctx *eventfd; /* NULL: not in the list. */
};

/* Of an ivshmem v2 device: tombolo_v2.c. */
struct tombolo_v2 {
	u32 peers; /* 0: it is an ivshmem-doorbell, and none of this is used. */
	u32 protocol;
	u64 table_bytes;
	u64 rw_bytes;
	u64 output_bytes;
	bool one_shot;		     /* Each interrupt disables the next ones. */
	struct mutex lock;	     /* Guards `holder`, and the state register. */
	struct tombolo_file *holder; /* Of the state: who set one that is not 0. */
};

struct tombolo_section {
	u64 begin;
	u64 bytes;
	bool own; /* This peer may write it, and it is memory; else each access may be trapped. */
};

struct tombolo_device {
	struct device dev;
	struct cdev cdev;
	struct rw_semaphore alive; /* Readers use the hardware; the writer takes it away. */
	bool gone;		   /* Under `alive`. */
	struct pci_dev *pdev;
	void __iomem *registers;
	struct dev_pagemap pages; /* BAR2 has struct pages: see tombolo_memory.c. */
	u64 memory_bytes;
	u32 slot; /* Or peer. */
	unsigned int vectors;
	struct tombolo_v2 v2;
	struct tombolo_vector *vector;
	struct mutex inode_lock; /* Guards the setting of `inode`. */
	struct inode
		*inode; /* Whose mapping all files share, so that unplugging finds all of them. */
};

struct tombolo_file {
	struct tombolo_device *device;
	struct mutex lock; /* Guards all below. */
	struct tombolo_rights rights;
	u32 mapping;
	struct tombolo_listener *listener; /* One for each vector. */
};

extern const struct file_operations tombolo_file_operations;

/* tombolo_irq.c */
int tombolo_irq_start(struct tombolo_device *device);
void tombolo_irq_stop(struct tombolo_device *device);
int tombolo_listen(struct tombolo_file *file, const struct tombolo_eventfd *request);
void tombolo_listen_end(struct tombolo_file *file);

/* tombolo_memory.c */
int tombolo_memory_start(struct tombolo_device *device);
void tombolo_memory_stop(struct tombolo_device *device);
int tombolo_memory_map(struct tombolo_file *file, struct vm_area_struct *vma);

/* tombolo_v2.c */
bool tombolo_is_v2(const struct pci_dev *pdev);
bool tombolo_v2_is_ours(const struct pci_dev *pdev);
int tombolo_v2_start(struct tombolo_device *device);
void tombolo_v2_enable(struct tombolo_device *device);
void tombolo_v2_stop(struct tombolo_device *device);
void tombolo_v2_rearm(struct tombolo_device *device);
struct tombolo_section tombolo_v2_section(const struct tombolo_device *device, u64 offset);
long tombolo_v2_set_state(struct tombolo_file *file, unsigned long state);
long tombolo_v2_is_served(const struct tombolo_device *device);
void tombolo_v2_get_sections(const struct tombolo_device *device, struct tombolo_sections *to);
void tombolo_v2_end(struct tombolo_file *file);

#endif
